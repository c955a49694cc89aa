//! Certificates for servers and clients of tests, made by openssl.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

/// In `folder`: an authority (`ca.pem`), a server's certificate for localhost, 127.0.0.1 and [`super::host`] and its key (`server.pem`, `server.key`), a
/// client's (`client.pem`, `client.key`), and one that nobody trusts (`stranger.pem`, `stranger.key`).
pub fn make(folder: &Path) {
    let host = super::host();
    let kind = if host.parse::<IpAddr>().is_ok() { "IP" } else { "DNS" };
    let names = format!("subjectAltName=DNS:localhost,IP:127.0.0.1,{kind}:{host}");
    let names = ["-addext", names.as_str()];
    let by_ca = [
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
    ];
    request(folder, "ca", "millstream tests", &[]);
    request(folder, "server", "localhost", &[&by_ca[..], &names].concat());
    request(folder, "client", "millstream", &by_ca);
    request(folder, "stranger", "stranger", &[]);
    // what Java reads: the key and its certificate in one file
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect("what openssl made");
    let both = format!("{}{}", read("server.key"), read("server.pem"));
    fs::write(folder.join("server-with-key.pem"), both).expect("a file");
}

fn request(folder: &Path, name: &str, subject: &str, more: &[&str]) {
    let made = Command::new("openssl")
        .current_dir(folder)
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", &format!("/CN={subject}")])
        .args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem")])
        .args(more)
        .output()
        .expect("openssl; `./test --fetch` installs it");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}
