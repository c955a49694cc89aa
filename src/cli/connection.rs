//! How a command reaches a cluster: where it is, and the client's properties, from options and from the environment.

use super::Terminal;
use crate::broker::kafka::KafkaSettings;
use crate::topology;
use std::collections::BTreeMap;
use std::io;

/// Variables whose names begin so are properties of librdkafka: `MILLSTREAM_KAFKA_SASL_PASSWORD` is `sasl.password`.
pub(crate) const PREFIX: &str = "MILLSTREAM_KAFKA_";

/// A cluster, and what the client is told for it.
#[derive(clap::Args)]
pub(crate) struct Connection {
    /// Where the cluster is: host:port, several separated by commas
    #[arg(long, value_name = "HOSTS", env = "MILLSTREAM_BROKERS")]
    pub brokers: String,
    /// A property of librdkafka, over the topology's `kafka:`; may be given several times. Passwords come from the environment:
    /// MILLSTREAM_KAFKA_SASL_PASSWORD is `sasl.password`, and so on
    #[arg(long = "kafka", value_name = "NAME=VALUE", value_parser = property)]
    pub properties: Vec<(String, String)>,
}

/// Reads `NAME=VALUE`, a property of librdkafka.
fn property(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, as in linger.ms=5")?;
    taken(name, value)?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Whether librdkafka takes it, and we let it be set. The error never has the value.
fn taken(name: &str, value: &str) -> Result<(), String> {
    let refused = || KafkaSettings::refused([(name, value)]).pop().map(|(_, why)| why);
    topology::reserved_property(name).or_else(refused).map_or(Ok(()), Err)
}

impl Connection {
    /// The properties of the topology, over them those of the environment, over them those of the command line. `None`: what is
    /// wrong in the environment was printed.
    pub(crate) fn settings(
        &self,
        own: impl IntoIterator<Item = (String, String)>,
        terminal: &mut Terminal<'_>,
    ) -> io::Result<Option<KafkaSettings>> {
        let given = match from_environment((terminal.variables)()) {
            Ok(given) => given,
            Err(wrong) => {
                for why in wrong {
                    writeln!(terminal.err, "error: {why}")?;
                }
                return Ok(None);
            }
        };
        let properties = own.into_iter().chain(given).chain(self.properties.iter().cloned());
        Ok(Some(KafkaSettings {
            brokers: self.brokers.clone(),
            properties: properties.collect(),
        }))
    }
}

/// The properties among the variables; or all that are wrong.
fn from_environment(
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<BTreeMap<String, String>, Vec<String>> {
    let mut properties = BTreeMap::new();
    let mut wrong = Vec::new();
    for (variable, value) in variables {
        let Some(name) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        let name = name.to_ascii_lowercase().replace('_', ".");
        match taken(&name, &value) {
            Ok(()) => drop(properties.insert(name, value)),
            Err(why) => wrong.push(format!(
                "{variable}: as `{name}`, a property of librdkafka: {why}. Mend or unset it; in Kubernetes, a Service can be where it \
                 comes from (enableServiceLinks)"
            )),
        }
    }
    wrong.sort();
    if wrong.is_empty() { Ok(properties) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Outcome;
    use crate::cli::testing::printed_in;

    fn properties(variables: &[(&str, &str)], options: &[&str], own: &[(&str, &str)]) -> String {
        let owned = |pair: &(&str, &str)| (pair.0.to_owned(), pair.1.to_owned());
        let connection = Connection {
            brokers: "nowhere:9092".to_owned(),
            properties: options.iter().map(|text| property(text).unwrap()).collect(),
        };
        let variables: Vec<_> = variables.iter().map(owned).collect();
        printed_in(&variables, |terminal| {
            let Some(settings) = connection.settings(own.iter().map(owned), terminal)? else {
                return Ok(Outcome::Failed);
            };
            for (name, value) in settings.properties {
                writeln!(terminal.out, "{name}={value}")?;
            }
            Ok(Outcome::Fine)
        })
    }

    #[test]
    fn a_variable_is_a_property_over_the_topologys_and_under_the_command_lines() {
        let shown = properties(
            &[
                ("MILLSTREAM_KAFKA_SASL_PASSWORD", "a=b,c"),
                ("MILLSTREAM_KAFKA_LINGER_MS", "7"),
                ("MILLSTREAM_KAFKA_CLIENT_ID", "environment"),
                ("HOME", "nowhere"),
            ],
            &["client.id=option"],
            &[("linger.ms", "1"), ("sasl.username", "own")],
        );
        assert_eq!(
            shown,
            "client.id=option\nlinger.ms=7\nsasl.password=a=b,c\nsasl.username=own\nFine\n"
        );
    }

    #[test]
    fn what_librdkafka_does_not_take_is_named_without_its_value_and_all_at_once() {
        let shown = properties(
            &[
                ("MILLSTREAM_KAFKA_PORT", "tcp://10.0.0.1:9092"),
                ("MILLSTREAM_KAFKA_SASL_PASSWURD", "hunter2"),
                ("MILLSTREAM_KAFKA_TRANSACTIONAL_ID", "mine"),
            ],
            &[],
            &[],
        );
        assert!(
            shown.starts_with("! error: MILLSTREAM_KAFKA_PORT: as `port`, a property"),
            "{shown}"
        );
        assert!(shown.contains("MILLSTREAM_KAFKA_SASL_PASSWURD"), "{shown}");
        assert!(shown.contains("transactional.id is set by millstream"), "{shown}");
        assert!(shown.ends_with("Failed\n"), "{shown}");
        assert!(!shown.contains("hunter2") && !shown.contains("tcp://"), "{shown}");
    }
}
