//! So many connections, and no more: who opens them without end, or never reads what it asked for, gets nothing for it.

use axum_server::accept::Accept;
use axum_server::{Handle, Server};
use std::future::{Future as _, Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

/// How long a new connection may take for the head of its first request.
pub const FIRST: Duration = Duration::from_secs(10);
/// How long the next head may take, idle time included: Prometheus asks once a minute or more often, and load balancers keep a
/// connection for a minute: one that is closed while a request is on its way costs a try.
const NEXT: Duration = Duration::from_secs(75);
/// Of the head of a request, about.
const HEAD_BYTES: usize = 32 << 10;
/// How long a client may take nothing of an answer.
const STUCK: Duration = Duration::from_secs(30);

/// A server of HTTP/1.1 that waits for no head of a request for long, and keeps none that is large. Its acceptor is [`Bounded`].
pub fn server(listener: TcpListener, handle: Handle<SocketAddr>) -> Server<SocketAddr> {
    let mut server = Server::from_listener(listener)
        .handle(handle)
        .first_request_timeout(FIRST)
        .http1_only();
    server
        .http_builder()
        .http1()
        .header_read_timeout(NEXT)
        .max_buf_size(HEAD_BYTES);
    server
}

/// Takes a connection where there is room for one, and closes it at once where there is none.
#[derive(Clone)]
pub struct Bounded {
    room: Arc<Semaphore>,
    refused: Arc<dyn Fn() + Send + Sync>,
}

impl Bounded {
    /// `most` connections at a time; each that is refused is told to `refused`.
    pub fn new(most: usize, refused: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            room: Arc::new(Semaphore::new(most)),
            refused: Arc::new(refused),
        }
    }
}

impl<S> Accept<TcpStream, S> for Bounded {
    type Stream = Counted;
    type Service = S;
    type Future = Ready<io::Result<(Counted, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() else {
            (self.refused)();
            return ready(Err(io::Error::other("too many connections")));
        };
        // an answer is one small packet, and must not wait for another
        let accepted = stream.set_nodelay(true).map(|()| Counted {
            stream,
            stuck: None,
            _permit: permit,
        });
        ready(accepted.map(|stream| (stream, service)))
    }
}

/// A connection that counts as long as it lives.
pub struct Counted {
    stream: TcpStream,
    /// Ends when the client has taken nothing for too long.
    stuck: Option<Pin<Box<Sleep>>>,
    _permit: OwnedSemaphorePermit,
}

impl Counted {
    /// Ends the connection of a client that takes nothing.
    fn within<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(tokio::time::sleep(STUCK)));
        match stuck.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => written,
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, to)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.within(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.within(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
