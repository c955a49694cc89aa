//! Where spans go, by the environment variables that all of OpenTelemetry's exporters have.

use opentelemetry_otlp::RetryPolicy;
use std::time::Duration;

/// How long one try may take, unless the environment says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);
const FLUSH: Duration = Duration::from_secs(3);
/// What is spoken.
const PROTOCOL: &str = "http/protobuf";

/// Of an exporter. What else it is to be told it finds in the environment itself: headers, and attributes of the resource.
#[derive(Clone)]
pub struct Settings {
    /// Where spans are posted. It may have a password in it.
    pub(super) endpoint: String,
    pub(super) timeout: Duration,
    pub(super) retry: RetryPolicy,
    /// How long the last ones may take when it stops.
    pub(super) flush: Duration,
}

impl Settings {
    /// `None`: spans are not to be exported.
    ///
    /// # Errors
    /// What can't be done as it is asked for, in words that show no address.
    pub fn of(environment: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, String> {
        let set = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
        // what is said of traces goes before what is said of everything
        let of_traces = |name: &str| {
            let (traces, all) = (
                format!("OTEL_EXPORTER_OTLP_TRACES_{name}"),
                format!("OTEL_EXPORTER_OTLP_{name}"),
            );
            set(&traces)
                .map(|value| (traces, value))
                .or_else(|| set(&all).map(|value| (all, value)))
        };
        let is_off = set("OTEL_SDK_DISABLED").is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
            || set("OTEL_TRACES_EXPORTER").is_some_and(|exporter| exporter.trim() == "none");
        let Some((name, endpoint)) = of_traces("ENDPOINT").filter(|_| !is_off) else {
            return Ok(None);
        };
        let mut endpoint = endpoint.trim().to_owned();
        if name == "OTEL_EXPORTER_OTLP_ENDPOINT" {
            endpoint = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        }
        if !reqwest::Url::parse(&endpoint).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            return Err(format!("{name} is no address; write one as http://collector:4318"));
        }
        if let Some((name, protocol)) = of_traces("PROTOCOL").filter(|(_, protocol)| protocol.trim() != PROTOCOL) {
            return Err(format!(
                "{name} is {protocol}, and only {PROTOCOL} is spoken here: set it to that, and the endpoint to the collector's port for it \
                 (4318, where it has the usual ones)"
            ));
        }
        if let Some((name, compression)) = of_traces("COMPRESSION").filter(|(_, how)| how.trim() != "none") {
            return Err(format!(
                "{name} is {compression}, and nothing is compressed here: set it to none"
            ));
        }
        let timeout = of_traces("TIMEOUT").map(|(name, value)| {
            let milliseconds = value.trim().parse().map(Duration::from_millis);
            milliseconds.map_err(|_| format!("{name} is {value}, and no number of milliseconds"))
        });
        Ok(Some(Self {
            endpoint,
            timeout: timeout.transpose()?.unwrap_or(TIMEOUT),
            retry: RetryPolicy::recommended(),
            flush: FLUSH,
        }))
    }

    /// To this collector, once.
    #[cfg(test)]
    pub fn to(collector: &str) -> Self {
        Self {
            endpoint: format!("{collector}/v1/traces"),
            timeout: Duration::from_secs(10),
            retry: RetryPolicy::disabled(),
            flush: Duration::from_secs(20),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Option<Settings>, String> {
        Settings::of(&|name| {
            let mut variables = variables.iter();
            variables
                .find(|(other, _)| *other == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    fn endpoint(variables: &[(&str, &str)]) -> String {
        of(variables).unwrap().unwrap().endpoint
    }

    const ALL: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");
    const TRACES: (&str, &str) = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://tempo/otlp");

    #[test]
    fn an_endpoint_of_everything_has_a_path_for_traces_and_one_of_traces_is_as_it_is() {
        assert_eq!(endpoint(&[ALL]), "http://collector:4318/v1/traces");
        assert_eq!(endpoint(&[TRACES]), "https://tempo/otlp");
        assert_eq!(endpoint(&[ALL, TRACES]), "https://tempo/otlp");
        let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/some");
        assert_eq!(endpoint(&[base]), "http://collector:4318/some/v1/traces");
    }

    #[test]
    fn nothing_is_exported_unless_it_is_said_where_to() {
        assert!(of(&[]).unwrap().is_none());
        assert!(of(&[(ALL.0, " ")]).unwrap().is_none());
        assert!(of(&[ALL, ("OTEL_SDK_DISABLED", "true")]).unwrap().is_none());
        assert!(of(&[ALL, ("OTEL_TRACES_EXPORTER", "none")]).unwrap().is_none());
    }

    #[test]
    fn what_can_not_be_done_is_said_and_shows_no_address() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "secret:4318"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http:// secret"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "secret"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ] {
            let why = of(&[(name, value), ALL]).err().unwrap();
            assert!(why.starts_with(name) && !why.contains("secret"), "{why}");
        }
        let right = [
            ALL,
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
        ];
        assert!(of(&right).unwrap().is_some());
    }

    #[test]
    fn what_is_said_of_traces_goes_before() {
        let settings = of(&[
            ALL,
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "5000"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "700"),
        ]);
        assert_eq!(settings.unwrap().unwrap().timeout, Duration::from_millis(700));
    }
}
