//! A real RabbitMQ in a folder of its own, and a publisher that leaves nothing unpublished.

use super::{certificates, children, free_port, log_folder, tail, wait_until};
use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ExchangeKind};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

/// Debian's `rabbitmq-server`, without the script around it that wants a user of its own.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const CONTROL: &str = "/usr/lib/rabbitmq/bin/rabbitmqctl";
const START_LIMIT: Duration = Duration::from_secs(90);
/// Longer than RabbitMQ is away in any test.
const PUBLISH_LIMIT: Duration = Duration::from_secs(60);
/// Published before it is asked whether they arrived.
const BATCH: usize = 50;

pub struct Rabbit {
    server: Mutex<Child>,
    /// Erlang's directory of nodes.
    names: Mutex<Child>,
    folder: PathBuf,
    log: PathBuf,
    ports: Ports,
}

/// Where it listens.
#[derive(Clone, Copy)]
struct Ports {
    clients: u16,
    tls: u16,
    names: u16,
    node: u16,
}

impl Ports {
    fn node_name(self) -> String {
        format!("rabbit-{}@localhost", self.clients)
    }
}

/// A message to publish.
#[derive(Clone, Debug)]
pub struct Publish {
    pub routing_key: String,
    pub body: Vec<u8>,
    pub properties: BasicProperties,
}

static SHARED: OnceLock<Rabbit> = OnceLock::new();

/// The one that the tests of this binary share: exchanges and queues have names of their own.
pub fn shared() -> &'static Rabbit {
    extern "C" fn end() {
        if let Some(rabbit) = SHARED.get() {
            rabbit.destroy();
        }
    }
    SHARED.get_or_init(|| {
        let rabbit = Rabbit::start();
        children::at_exit(end);
        rabbit
    })
}

impl Rabbit {
    pub fn start() -> Self {
        assert!(
            Path::new(SERVER).exists(),
            "{SERVER} is not there; install it with: ./test --fetch"
        );
        let ports = Ports {
            clients: free_port(),
            tls: free_port(),
            names: free_port(),
            node: free_port(),
        };
        let run = format!("{}-{}", std::process::id(), ports.clients);
        let folder = std::env::temp_dir().join(format!("millstream-rabbitmq-{run}"));
        fs::create_dir_all(&folder).expect("a folder for RabbitMQ");
        certificates::make(&folder);
        let folder_name = folder.display();
        let config = format!(
            "listeners.tcp.default = 127.0.0.1:{}
listeners.ssl.default = 127.0.0.1:{}
ssl_options.cacertfile = {folder_name}/ca.pem
ssl_options.certfile = {folder_name}/server.pem
ssl_options.keyfile = {folder_name}/server.key
",
            ports.clients, ports.tls
        );
        fs::write(folder.join("rabbitmq.conf"), config).expect("RabbitMQ's settings");
        let log = log_folder().join(format!("rabbitmq-{run}.log"));
        let mut names = Command::new("epmd");
        names
            .args(["-address", "127.0.0.1", "-port", &ports.names.to_string()])
            .stdin(Stdio::null());
        let names = Mutex::new(children::start(names));
        let server = Mutex::new(launch(&folder, &log, ports));
        let rabbit = Self {
            server,
            names,
            folder,
            log,
            ports,
        };
        rabbit.wait_up();
        rabbit
    }

    pub fn id(&self) -> u32 {
        self.server.lock().expect("RabbitMQ's process").id()
    }

    pub fn port(&self) -> u16 {
        self.ports.clients
    }

    /// With TLS, and the certificate to trust.
    pub fn tls(&self) -> (String, PathBuf) {
        let url = format!("amqps://guest:guest@localhost:{}/%2F", self.ports.tls);
        (url, self.folder.join("ca.pem"))
    }

    /// Of its virtual host `/`, at this port or a proxy's.
    pub fn url_at(port: u16) -> String {
        format!("amqp://guest:guest@127.0.0.1:{port}")
    }

    pub fn url(&self) -> String {
        Self::url_at(self.ports.clients)
    }

    /// Ends it as a power cut would.
    pub fn kill(&self) {
        let mut server = self.server.lock().expect("RabbitMQ's process");
        let _ = server.kill();
        let _ = server.wait();
    }

    /// Brings it back with its data, and waits for it.
    pub fn relaunch(&self) {
        *self.server.lock().expect("RabbitMQ's process") = launch(&self.folder, &self.log, self.ports);
        self.wait_up();
    }

    /// What `rabbitmqctl` does with these arguments.
    pub fn control(&self, arguments: &[&str]) {
        let done = Command::new(CONTROL)
            .current_dir(&self.folder)
            .env("HOME", &self.folder)
            .env("ERL_EPMD_PORT", self.ports.names.to_string())
            .env("RABBITMQ_CONF_ENV_FILE", self.folder.join("none"))
            .args(["--node", &self.ports.node_name()])
            .args(arguments)
            .output()
            .expect("rabbitmqctl");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    fn wait_up(&self) {
        let deadline = Instant::now() + START_LIMIT;
        while block_on(self.channel()).is_err() {
            if let Ok(Some(status)) = self.server.lock().expect("RabbitMQ's process").try_wait() {
                panic!("RabbitMQ ended with {status}\n{}", tail(&self.log, 40));
            }
            assert!(
                Instant::now() < deadline,
                "RabbitMQ did not answer within {START_LIMIT:?}\n{}",
                tail(&self.log, 40)
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn destroy(&self) {
        for process in [&self.server, &self.names] {
            let mut process = process.lock().expect("a process");
            let _ = process.kill();
            let _ = process.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }

    async fn channel(&self) -> lapin::Result<(Connection, Channel)> {
        // Where nobody listens, lapin would log.
        tokio::net::TcpStream::connect(("127.0.0.1", self.ports.clients)).await?;
        let url = self.url();
        let connecting = Connection::connect(&url, ConnectionProperties::default());
        let timeout = tokio::time::timeout(Duration::from_secs(5), connecting);
        let connection = timeout
            .await
            .unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()))?;
        let channel = connection.create_channel().await?;
        Ok((connection, channel))
    }

    /// Does something on a channel of its own.
    pub fn on_channel<T>(&self, action: impl AsyncFnOnce(&Channel) -> lapin::Result<T>) -> lapin::Result<T> {
        block_on(async {
            let (connection, channel) = self.channel().await?;
            let result = action(&channel).await;
            let _ = connection.close(200, "OK".into()).await;
            result
        })
    }

    pub fn declare_exchange(&self, exchange: &str) {
        let options = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        let declared = self.on_channel(async |channel| {
            let exchange = exchange.into();
            channel
                .exchange_declare(exchange, ExchangeKind::Topic, options, FieldTable::default())
                .await
        });
        declared.expect("an exchange");
    }

    /// A classic queue without bindings.
    pub fn declare_queue(&self, queue: &str) {
        let declared = self.on_channel(async |channel| {
            let options = QueueDeclareOptions::durable();
            channel
                .queue_declare(queue.into(), options, FieldTable::default())
                .await
        });
        declared.expect("a queue");
    }

    pub fn delete_queue(&self, queue: &str) {
        let deleted = self.on_channel(async |channel| {
            let options = QueueDeleteOptions::default();
            channel.queue_delete(queue.into(), options).await
        });
        deleted.expect("the queue deleted");
    }

    /// Messages that nobody has taken, and consumers; `None`: there is no such queue.
    pub fn queue(&self, queue: &str) -> Option<(u32, u32)> {
        let found = self.on_channel(async |channel| {
            let options = QueueDeclareOptions {
                passive: true,
                ..QueueDeclareOptions::durable()
            };
            channel
                .queue_declare(queue.into(), options, FieldTable::default())
                .await
        });
        found.ok().map(|queue| (queue.message_count(), queue.consumer_count()))
    }

    pub fn wait_empty(&self, queue: &str, limit: Duration) {
        wait_until(&format!("{queue} to be empty"), limit, || match self.queue(queue) {
            Some((0, _)) => Ok(()),
            found => Err(format!("{found:?} messages and consumers")),
        });
    }

    /// Publishes all in order, over about this time, and ends once RabbitMQ has confirmed all. What it does not confirm is published again,
    /// with all after it.
    pub fn publish(&self, exchange: &str, messages: &[Publish], over: Duration) {
        let pause = over / u32::try_from(messages.len() / BATCH + 1).expect("a number of batches");
        block_on(async {
            let mut confirmed = 0;
            let mut deadline = Instant::now() + PUBLISH_LIMIT;
            while confirmed < messages.len() {
                let before = confirmed;
                let result = self.publish_from(exchange, messages, &mut confirmed, pause).await;
                if confirmed > before {
                    deadline = Instant::now() + PUBLISH_LIMIT;
                }
                if let Err(error) = result {
                    assert!(Instant::now() < deadline, "nothing could be published: {error}");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        });
    }

    async fn publish_from(
        &self,
        exchange: &str,
        messages: &[Publish],
        confirmed: &mut usize,
        pause: Duration,
    ) -> lapin::Result<()> {
        let (connection, channel) = self.channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        while *confirmed < messages.len() {
            let batch = &messages[*confirmed..messages.len().min(*confirmed + BATCH)];
            let mut confirms = Vec::new();
            for message in batch {
                let properties = message.properties.clone().with_delivery_mode(2);
                let options = BasicPublishOptions {
                    mandatory: true,
                    ..BasicPublishOptions::default()
                };
                let (exchange, key) = (exchange.into(), message.routing_key.as_str().into());
                let confirm = channel
                    .basic_publish(exchange, key, options, &message.body, properties)
                    .await?;
                confirms.push(confirm);
            }
            for confirm in confirms {
                match confirm.await? {
                    Confirmation::Ack(None) => *confirmed += 1,
                    other => return Err(std::io::Error::other(format!("not taken: {other:?}")).into()),
                }
            }
            tokio::time::sleep(pause).await;
        }
        let _ = connection.close(200, "OK".into()).await;
        Ok(())
    }
}

fn launch(folder: &Path, log: &Path, ports: Ports) -> Child {
    let output = File::options()
        .create(true)
        .append(true)
        .open(log)
        .expect("RabbitMQ's log");
    let mut command = Command::new(SERVER);
    command
        .current_dir(folder)
        // Erlang's cookie is there.
        .env("HOME", folder)
        // The script becomes the server, instead of waiting for it.
        .env("RUNNING_UNDER_SYSTEMD", "1")
        .env("ERL_EPMD_PORT", ports.names.to_string())
        .env("RABBITMQ_NODENAME", ports.node_name())
        .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODE_PORT", ports.clients.to_string())
        .env("RABBITMQ_DIST_PORT", ports.node.to_string())
        .env("RABBITMQ_MNESIA_BASE", folder.join("data"))
        .env("RABBITMQ_LOG_BASE", folder.join("logs"))
        .env("RABBITMQ_LOGS", "-")
        .env("RABBITMQ_CONF_ENV_FILE", folder.join("none"))
        .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("plugins"))
        // A few schedulers, that sleep where there is nothing to do.
        .env(
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
        )
        .stdin(Stdio::null())
        .stdout(output.try_clone().expect("a second handle of the log"))
        .stderr(output);
    children::start(command)
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}
