//! Where the registry is, and how it is asked.

use crate::yaml::Secret;
use std::path::PathBuf;
use std::time::Duration;

/// A request is given up after that long.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// A registry, as a topology names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// One registry by each of its addresses, without names or passwords in them: asked in turn until one answers. At least one.
    pub urls: Vec<String>,
    pub auth: Option<Auth>,
    pub tls: Tls,
    /// From the beginning of a request to the end of its answer.
    pub timeout: Duration,
    /// Whether what is not registered is, when it is first written. Else only `millstream schemas apply` registers.
    pub auto_register: bool,
}

/// What a request shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    Basic { username: Secret, password: Secret },
    Bearer(Secret),
}

/// Files in PEM, read once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Certificates that are trusted, and no others. `None`: those of the system.
    pub ca: Option<PathBuf>,
    /// Certificate (with its chain) and key that are shown.
    pub client: Option<(PathBuf, PathBuf)>,
}

impl Settings {
    /// Of one address, and for the rest as nobody said anything.
    pub fn of(url: &str) -> Self {
        Self {
            urls: vec![url.to_owned()],
            auth: None,
            tls: Tls::default(),
            timeout: TIMEOUT,
            auto_register: false,
        }
    }
}
