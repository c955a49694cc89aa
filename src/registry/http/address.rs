//! One address of a registry, and what can be asked there.

use super::super::{Auth, Declared, Language, Level, Registered, RegistryError, Settings, Version};
use super::answer::{Answers, meant, meant_of_record};
use crate::uri;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, RequestBuilder};
use rustls::crypto::ring;
use schema_registry_converter::async_impl::schema_registry::{
    SrSettings, get_referenced_schema, get_schema_by_id, get_schema_by_subject_and_version, perform_sr_call,
    post_schema,
};
use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::{
    RegisteredReference, RegisteredSchema, SchemaType, SrCall, SuppliedSchema,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// Schemas that one schema may need, itself not counted.
const MOST_REFERENCES: usize = 200;
/// Where nobody is, the next address is asked soon.
const CONNECT: Duration = Duration::from_secs(5);
const CONTENT: &str = "application/vnd.schemaregistry.v1+json";

/// Requests by the crate, and by hand what it lacks; both through [`Answers`].
pub(super) struct Address {
    /// Without a slash at its end.
    url: String,
    crates: SrSettings,
    client: ClientWithMiddleware,
    auth: Option<Auth>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    compatibility_level: String,
}

#[derive(Deserialize)]
struct Test {
    is_compatible: bool,
    /// Confluent's.
    #[serde(default)]
    messages: Option<Vec<String>>,
    /// Apicurio's.
    #[serde(default)]
    reason: Option<String>,
}

impl Address {
    /// # Errors
    /// A file that can't be read or does not hold what it should; no certificates of the system.
    pub fn new(url: &str, settings: &Settings) -> Result<Self, String> {
        // an error says that there is one already
        let _ = ring::default_provider().install_default();
        let url = url.trim_end_matches('/').to_owned();
        let answers = || Answers::new(settings.timeout, settings.auth.as_ref());
        let mut builder = SrSettings::new_builder(url.clone());
        builder.set_timeout(settings.timeout).with_middleware(answers());
        match &settings.auth {
            None => {}
            Some(Auth::Basic { username, password }) => {
                builder.set_basic_authorization(username.reveal(), Some(password.reveal()));
            }
            Some(Auth::Bearer(token)) => {
                builder.set_token_authorization(token.reveal());
            }
        }
        let why = |why: String| {
            format!("no client for the schema registry: {why}; are the system's certificates (ca-certificates) there?")
        };
        let crates = builder
            .build_with(client(settings)?)
            .map_err(|error| why(error.cause.unwrap_or(error.error)))?;
        let client = client(settings)?.build().map_err(|error| why(error.to_string()))?;
        Ok(Self {
            url,
            crates,
            client: ClientBuilder::new(client).with(answers()).build(),
            auth: settings.auth.clone(),
        })
    }

    pub async fn schema(&self, id: u32) -> Result<Registered, RegistryError> {
        let found = get_schema_by_id(id, &self.crates).await;
        let found = found.map_err(|error| meant_of_record(&error))?;
        let references = self.references(&found).await?;
        Ok(Registered {
            id,
            language: language(&found.schema_type)?,
            text: found.schema,
            references,
        })
    }

    /// All that a schema needs, each after what it needs itself.
    async fn references(&self, of: &RegisteredSchema) -> Result<Vec<(String, String)>, RegistryError> {
        /// On the way to its own references, or back from them.
        enum Step {
            To(RegisteredReference),
            Back(String, String),
        }
        let to = |references: &[RegisteredReference]| -> Vec<Step> {
            references.iter().rev().cloned().map(Step::To).collect()
        };
        let mut steps = to(&of.references);
        let mut seen = ahash::AHashSet::new();
        let mut found = Vec::new();
        while let Some(step) = steps.pop() {
            match step {
                Step::Back(name, text) => found.push((name, text)),
                Step::To(reference) if !seen.insert((reference.subject.clone(), reference.version)) => {}
                Step::To(_) if seen.len() > MOST_REFERENCES => {
                    let message = format!("schema {} needs more than {MOST_REFERENCES} others", of.id);
                    return Err(RegistryError::Refused(message));
                }
                Step::To(mut reference) => {
                    let name = reference.name.clone();
                    reference.subject = escaped(&reference.subject);
                    let schema = get_referenced_schema(&self.crates, &reference)
                        .await
                        .map_err(|error| meant_of_record(&error))?;
                    steps.push(Step::Back(name, schema.schema));
                    steps.extend(to(&schema.references));
                }
            }
        }
        Ok(found)
    }

    pub async fn find(&self, subject: &str, schema: &Declared) -> Result<Version, RegistryError> {
        let body = body(schema);
        let call = SrCall::PostForVersion(&escaped(subject), &body);
        let found = perform_sr_call(&self.crates, call).await.map_err(said)?;
        let (Some(id), Some(version)) = (found.id, found.version) else {
            return Err(incomplete());
        };
        let schema = schema.clone();
        Ok(Version { id, version, schema })
    }

    pub async fn latest(&self, subject: &str) -> Result<Version, RegistryError> {
        let found = get_schema_by_subject_and_version(&self.crates, &escaped(subject), None).await;
        let found = found.map_err(said)?;
        Ok(Version {
            id: found.id,
            version: found.version.ok_or_else(incomplete)?,
            schema: Declared {
                language: language(&found.schema_type)?,
                text: found.schema,
            },
        })
    }

    pub async fn register(&self, subject: &str, schema: &Declared) -> Result<u32, RegistryError> {
        let language = match schema.language {
            Language::Avro => SchemaType::Avro,
            Language::Json => SchemaType::Json,
            Language::Protobuf => SchemaType::Protobuf,
        };
        let supplied = SuppliedSchema::new(None, language, schema.text.clone());
        let registered = post_schema(&self.crates, escaped(subject), supplied).await;
        registered.map(|registered| registered.id).map_err(said)
    }

    pub async fn level(&self, subject: &str) -> Result<Level, RegistryError> {
        let path = format!("config/{}", escaped_whole(subject));
        let config: Config = match self.ask(self.client.get(self.at(&path))).await {
            // nothing was said of it, so what holds for all does
            Err(RegistryError::Unknown(_)) => self.ask(self.client.get(self.at("config"))).await?,
            answer => answer?,
        };
        let level = Level::named(&config.compatibility_level);
        level.ok_or_else(|| RegistryError::Refused("it asks for a compatibility that is not known here".to_owned()))
    }

    pub async fn breaks(&self, subject: &str, schema: &Declared) -> Result<Vec<String>, RegistryError> {
        let path = format!(
            "compatibility/subjects/{}/versions?verbose=true",
            escaped_whole(subject)
        );
        let request = self
            .client
            .post(self.at(&path))
            .header("content-type", CONTENT)
            .body(body(schema));
        let test: Test = match self.ask(request).await {
            // nothing is there that could break
            Err(RegistryError::Unknown(_)) => return Ok(Vec::new()),
            answer => answer?,
        };
        if test.is_compatible {
            return Ok(Vec::new());
        }
        let mut words = test.messages.unwrap_or_default();
        words.extend(test.reason);
        words.retain(|words| !words.is_empty());
        if words.is_empty() {
            words.push("the registry does not say what".to_owned());
        }
        Ok(words)
    }

    fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.url)
    }

    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, RegistryError> {
        let request = match &self.auth {
            None => request,
            Some(Auth::Basic { username, password }) => request.basic_auth(username.reveal(), Some(password.reveal())),
            Some(Auth::Bearer(token)) => request.bearer_auth(token.reveal()),
        };
        let answer = request
            .header("accept", CONTENT)
            .send()
            .await
            .map_err(|error| meant(&error))?;
        answer.json().await.map_err(|error| meant(&error))
    }
}

fn client(settings: &Settings) -> Result<reqwest::ClientBuilder, String> {
    let mut client = reqwest::Client::builder()
        .timeout(settings.timeout)
        .connect_timeout(CONNECT.min(settings.timeout))
        .redirect(reqwest::redirect::Policy::none());
    if let Some(file) = &settings.tls.ca {
        let pem = read(file)?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem).unwrap_or_default();
        if certificates.is_empty() {
            return Err(format!("{}: there is no certificate in PEM", file.display()));
        }
        client = client.tls_certs_only(certificates);
    }
    if let Some((certificate, key)) = &settings.tls.client {
        let mut pem = read(certificate)?;
        pem.push(b'\n');
        pem.extend(read(key)?);
        let identity = reqwest::Identity::from_pem(&pem).map_err(|_| {
            let (certificate, key) = (certificate.display(), key.display());
            format!("{certificate} and {key}: there is no certificate in PEM with its private key")
        })?;
        client = client.identity(identity);
    }
    Ok(client)
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| format!("can't read {}: {error}", file.display()))
}

fn said(error: SRCError) -> RegistryError {
    meant(&error)
}

fn incomplete() -> RegistryError {
    RegistryError::Away("its answer is not one of a schema registry: it lacks an id or a version".to_owned())
}

fn language(named: &SchemaType) -> Result<Language, RegistryError> {
    match named {
        SchemaType::Avro => Ok(Language::Avro),
        SchemaType::Json => Ok(Language::Json),
        SchemaType::Protobuf => Ok(Language::Protobuf),
        _ => Err(RegistryError::Refused(
            "its schema is of a language that is not known here".to_owned(),
        )),
    }
}

fn body(schema: &Declared) -> String {
    let language = match schema.language {
        Language::Avro => "AVRO",
        Language::Json => "JSON",
        Language::Protobuf => "PROTOBUF",
    };
    json!({"schema": schema.text, "schemaType": language}).to_string()
}

/// A subject as a part of a URL, but for slashes, which the crate escapes itself.
fn escaped(subject: &str) -> String {
    uri::path(subject).collect()
}

fn escaped_whole(subject: &str) -> String {
    uri::part(subject).collect()
}
