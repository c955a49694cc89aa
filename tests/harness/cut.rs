//! A proxy for TCP that cuts connections in the middle of what is said.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Whose words are cut.
#[derive(Clone, Copy, Debug)]
pub enum Side {
    Server,
    Client,
}

#[derive(Default)]
struct Orders {
    server: AtomicBool,
    client: AtomicBool,
    cuts: AtomicUsize,
}

/// Ends with the process.
pub struct Proxy {
    port: u16,
    orders: Arc<Orders>,
}

impl Proxy {
    /// To a port of this machine.
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port to listen on");
        let port = listener.local_addr().expect("its own address").port();
        let orders = Arc::new(Orders::default());
        let shared = Arc::clone(&orders);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // Where nobody listens, the client is told so.
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
                    continue;
                };
                for (from, to, side) in [(&client, &server, Side::Client), (&server, &client, Side::Server)] {
                    let (from, to) = (from.try_clone().expect("a handle"), to.try_clone().expect("a handle"));
                    let orders = Arc::clone(&shared);
                    std::thread::spawn(move || carry(from, to, side, &orders));
                }
            }
        });
        Self { port, orders }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts the next connection on which this side says something: half of it arrives. Waits until that is done.
    pub fn cut(&self, side: Side) {
        let before = self.orders.cuts.load(Ordering::SeqCst);
        self.orders.of(side).store(true, Ordering::SeqCst);
        super::wait_until("a connection to cut", Duration::from_secs(20), || {
            let cuts = self.orders.cuts.load(Ordering::SeqCst);
            (cuts > before)
                .then_some(())
                .ok_or_else(|| "nobody says anything".to_owned())
        });
    }
}

impl Orders {
    fn of(&self, side: Side) -> &AtomicBool {
        match side {
            Side::Server => &self.server,
            Side::Client => &self.client,
        }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, side: Side, orders: &Orders) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        // A frame has at least eight bytes, so half of what came ends in one.
        let cut = count > 1 && orders.of(side).swap(false, Ordering::SeqCst);
        let carried = if cut { count / 2 } else { count };
        if to.write_all(&buffer[..carried]).is_err() {
            break;
        }
        if cut {
            orders.cuts.fetch_add(1, Ordering::SeqCst);
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
