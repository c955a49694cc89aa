//! A server that answers as a test says, and knows what it was asked.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// One request.
#[derive(Clone)]
pub struct Asked {
    pub method: String,
    /// With what stands behind `?`.
    pub path: String,
    pub authorization: String,
    /// How many were asked, with this one.
    pub count: usize,
}

pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    handle: Handle<SocketAddr>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(answer: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::listen(answer, None)
    }

    pub fn start_tls(
        answer: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static,
        config: rustls::ServerConfig,
    ) -> Self {
        Self::listen(answer, Some(RustlsConfig::from_config(Arc::new(config))))
    }

    fn listen(answer: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static, tls: Option<RustlsConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = match tls {
            Some(_) => format!("https://localhost:{port}"),
            None => format!("http://127.0.0.1:{port}"),
        };
        let asked = Arc::new(Mutex::new(Vec::new()));
        let handle = Handle::new();
        let (answer, own, stop) = (Arc::new(answer), Arc::clone(&asked), handle.clone());
        let router = axum::Router::new().fallback(move |method: Method, uri: Uri, headers: HeaderMap, _: Bytes| {
            let (answer, asked) = (Arc::clone(&answer), Arc::clone(&own));
            let now = {
                let mut asked = asked.lock().unwrap();
                let header = headers
                    .get("authorization")
                    .map(|header| header.to_str().unwrap().to_owned());
                let now = Asked {
                    method: method.to_string(),
                    path: uri.to_string(),
                    authorization: header.unwrap_or_default(),
                    count: asked.len() + 1,
                };
                asked.push(now.clone());
                now
            };
            async move {
                let (status, body) = tokio::task::spawn_blocking(move || answer(&now)).await.unwrap();
                (StatusCode::from_u16(status).unwrap(), body)
            }
        });
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let service = router.into_make_service();
                match tls {
                    None => {
                        axum_server::from_tcp(listener)
                            .unwrap()
                            .handle(stop)
                            .serve(service)
                            .await
                    }
                    Some(tls) => {
                        let server = axum_server::from_tcp_rustls(listener, tls).unwrap();
                        server.handle(stop).serve(service).await
                    }
                }
                .unwrap();
            });
        };
        Self {
            url,
            asked,
            handle,
            thread: Some(std::thread::spawn(run)),
        }
    }

    /// `METHOD path`, in the order of asking.
    pub fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .map(|asked| format!("{} {}", asked.method, asked.path))
            .collect()
    }

    pub fn authorizations(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|asked| asked.authorization.clone()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.handle.shutdown();
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

/// Where nobody listens.
pub fn dead_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port())
}
