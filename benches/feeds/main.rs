//! What a message costs that a feed takes: into a real broker with all guarantees on, beside the least that could take it.
//!
//! `cargo bench --bench feeds -- webhook --seconds 10`
//! `cargo bench --bench feeds -- rabbitmq --messages 100000`

#[path = "../../tests/harness/mod.rs"]
mod harness;
mod rabbitmq;
mod webhook;

use clap::Parser;

#[derive(Parser)]
enum Which {
    /// Events that are posted, beside a handler that does nothing.
    Webhook(webhook::Arguments),
    /// A queue that is drained, beside a consumer that throws away.
    Rabbitmq(rabbitmq::Arguments),
    /// The consumer that throws away, until it is killed.
    #[command(hide = true)]
    Drain {
        url: String,
        queue: String,
        messages: u64,
        prefetch: u16,
    },
    /// The handler that does nothing, until it is killed.
    #[command(hide = true)]
    Nothing { address: std::net::SocketAddr },
}

fn main() {
    // As the program itself.
    millstream::allocator::tune();
    // as `cargo bench` adds it
    match Which::parse_from(std::env::args().filter(|argument| argument != "--bench")) {
        Which::Webhook(arguments) => webhook::bench(&arguments),
        Which::Rabbitmq(arguments) => rabbitmq::bench(&arguments),
        Which::Drain {
            url,
            queue,
            messages,
            prefetch,
        } => rabbitmq::drain(&url, &queue, messages, prefetch),
        Which::Nothing { address } => webhook::nothing(address),
    }
}
