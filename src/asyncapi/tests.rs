//! The document of small topologies.
