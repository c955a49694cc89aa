//! A Kafka that lets in only who shows a certificate, or a name and a password.

use super::certificates;
use super::free_port;
use super::node::{Extra, Node, Ports};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub const USER: &str = "alice";
pub const PASSWORD: &str = "alice-secret";

pub struct SecuredKafka {
    node: Node,
    folder: TempDir,
    mutual: u16,
    sasl: u16,
}

impl SecuredKafka {
    pub fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        certificates::make(folder.path());
        let mut last_failure = String::new();
        for _ in 0..3 {
            let (mutual, sasl) = (free_port(), free_port());
            let extra = Extra {
                listeners: vec![("MUTUAL", mutual, "SSL"), ("SASL", sasl, "SASL_SSL")],
                properties: properties(folder.path()),
                scram: vec![(USER, PASSWORD)],
            };
            let ports = Ports {
                clients: free_port(),
                controller: free_port(),
            };
            let launched = Node::launch_with(1, &[ports], &["-Xmx512m"], &extra);
            match launched.and_then(|node| node.wait_up(1).map(|()| node)) {
                Ok(node) => {
                    return Self {
                        node,
                        folder,
                        mutual,
                        sasl,
                    };
                }
                Err(failure) => last_failure = failure,
            }
        }
        panic!("Kafka did not start: {last_failure}");
    }

    /// Without any of it: for the test itself.
    pub fn open_address(&self) -> String {
        self.node.address()
    }

    /// Where a client must show a certificate.
    pub fn mutual_address(&self) -> String {
        format!("{}:{}", super::host(), self.mutual)
    }

    /// Where a client must know a name and its password: SCRAM-SHA-512 or PLAIN, over TLS.
    pub fn sasl_address(&self) -> String {
        format!("{}:{}", super::host(), self.sasl)
    }

    /// One of the files that [`certificates::make`] makes.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn properties(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "ssl.keystore.type=PEM
ssl.keystore.location={folder}/server-with-key.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.pem
listener.name.mutual.ssl.client.auth=required
listener.name.sasl.sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";
"
    )
}
