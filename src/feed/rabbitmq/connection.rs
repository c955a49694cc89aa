//! From a URL to a consumer: connect, declare or check, consume. What goes wrong is said with the host and the remedy, and without the
//! URL, which has a password in it.

use crate::topology::{QueueType, Rabbitmq};
use futures_util::stream::{BoxStream, StreamExt};
use lapin::options::{
    BasicConsumeOptions, BasicQosOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};
use lapin::tcp::{AMQPUriTcpExt, OwnedTLSConfig};
use lapin::types::{FieldTable, LongString, ShortString};
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, Consumer, ErrorKind, Event, ExchangeKind};
use std::io;
use std::time::Duration;

/// Until a connection is there.
const CONNECT: Duration = Duration::from_secs(10);
/// Until a consumer is there, the connection included.
const OPEN: Duration = Duration::from_secs(30);
const CLOSE: Duration = Duration::from_secs(2);
/// Seconds, where the URL says nothing: a network that is silently gone shows after twice as long.
const HEARTBEAT: u16 = 15;
const TAG: &str = "millstream";

/// Opens sessions.
pub struct Opener<'s> {
    settings: &'s Rabbitmq,
    uris: Vec<AMQPUri>,
    queue: ShortString,
    exchange: ShortString,
    bindings: Vec<ShortString>,
    tls: OwnedTLSConfig,
    /// What RabbitMQ shows of us.
    name: String,
}

/// A consumer at work.
pub struct Session {
    connection: Connection,
    pub channel: Channel,
    pub consumer: Consumer,
    /// What happens to the connection.
    pub events: BoxStream<'static, Event>,
    pub vhost: String,
}

impl<'s> Opener<'s> {
    /// # Errors
    /// Settings that can't work, for people.
    pub fn new(settings: &'s Rabbitmq, queue: &str, feed: &str) -> Result<Self, String> {
        let uris = settings.urls.iter().map(|url| {
            let mut uri: AMQPUri = url
                .reveal()
                .parse()
                .map_err(|_| "`url` is not that of a RabbitMQ".to_owned())?;
            uri.query.heartbeat.get_or_insert(HEARTBEAT);
            Ok(uri)
        });
        let uris = uris.collect::<Result<_, String>>()?;
        let cert_chain = match &settings.ca {
            None => None,
            Some(path) => Some(
                std::fs::read_to_string(path)
                    .map_err(|error| format!("the certificates in `ca`: {}: {error}", path.display()))?,
            ),
        };
        if cert_chain
            .as_ref()
            .is_some_and(|text| !text.contains("BEGIN CERTIFICATE"))
        {
            return Err("the file `ca` has no certificate in it: give one in PEM, with `BEGIN CERTIFICATE`".to_owned());
        }
        let named = |name: &str| {
            ShortString::try_new(name)
                .map_err(|_| format!("a name of {} bytes is too long: 255 are the most", name.len()))
        };
        Ok(Self {
            settings,
            uris,
            queue: named(queue).map_err(|error| format!("{error}; set `queue`"))?,
            exchange: named(&settings.exchange)?,
            bindings: settings
                .bindings
                .iter()
                .map(|binding| named(binding))
                .collect::<Result<_, _>>()?,
            tls: OwnedTLSConfig {
                identity: None,
                cert_chain,
            },
            name: format!("millstream {feed}"),
        })
    }

    pub fn uris(&self) -> &[AMQPUri] {
        &self.uris
    }

    /// # Errors
    /// Why there is no session, for people.
    pub async fn open(&self, uri: &AMQPUri) -> Result<Session, String> {
        let host = format!("{}:{}", uri.authority.host, uri.authority.port);
        match tokio::time::timeout(OPEN, self.session(uri)).await {
            Ok(Ok(session)) => Ok(session),
            Ok(Err(error)) => Err(format!("{host}: {}", self.explain(&error))),
            Err(_) => Err(format!("{host}: no answer within {} s", OPEN.as_secs())),
        }
    }

    async fn session(&self, uri: &AMQPUri) -> lapin::Result<Session> {
        let properties = ConnectionProperties::default().with_connection_name(LongString::from(self.name.as_str()));
        let tls = self.tls.clone();
        let connection = Connection::connector(
            uri.clone(),
            lapin::runtime::default_runtime()?,
            async move |uri, runtime| {
                let connecting = AMQPUriTcpExt::connect_with_config_async(&uri, tls.as_ref(), &runtime);
                let connected = tokio::time::timeout(CONNECT, connecting).await;
                connected
                    .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
                    .map_err(lapin::Error::from)
            },
            properties,
        )
        .await?;
        let events = connection.events_listener().boxed();
        let channel = connection.create_channel().await?;
        self.prepare(&channel).await?;
        channel
            .basic_qos(self.settings.prefetch, BasicQosOptions::default())
            .await?;
        let consumer = channel
            .basic_consume(
                self.queue.clone(),
                TAG.into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await?;
        Ok(Session {
            connection,
            channel,
            consumer,
            events,
            vhost: uri.vhost.clone(),
        })
    }

    /// Exchange, queue and bindings are there, and as they are to be.
    async fn prepare(&self, channel: &Channel) -> lapin::Result<()> {
        let declare = self.settings.declare;
        let options = ExchangeDeclareOptions {
            durable: true,
            passive: !declare,
            ..ExchangeDeclareOptions::default()
        };
        channel
            .exchange_declare(
                self.exchange.clone(),
                ExchangeKind::Topic,
                options,
                FieldTable::default(),
            )
            .await?;
        let options = QueueDeclareOptions {
            durable: true,
            passive: !declare,
            ..QueueDeclareOptions::default()
        };
        let arguments = if declare {
            self.arguments()
        } else {
            FieldTable::default()
        };
        channel.queue_declare(self.queue.clone(), options, arguments).await?;
        if declare {
            for binding in &self.bindings {
                let (queue, exchange) = (self.queue.clone(), self.exchange.clone());
                let options = QueueBindOptions::default();
                channel
                    .queue_bind(queue, exchange, binding.clone(), options, FieldTable::default())
                    .await?;
            }
        }
        Ok(())
    }

    fn arguments(&self) -> FieldTable {
        let mut arguments = FieldTable::default();
        let kind = LongString::from(self.settings.queue_type.name());
        arguments.insert("x-queue-type".into(), kind.into());
        if self.settings.single_active_consumer {
            arguments.insert("x-single-active-consumer".into(), true.into());
        }
        arguments
    }

    /// What an error of opening means here.
    fn explain(&self, error: &lapin::Error) -> String {
        let ErrorKind::ProtocolError(refused) = error.kind() else {
            return error.to_string();
        };
        let said = refused.get_message();
        let declare = self.settings.declare;
        let help = match refused.kind() {
            AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED) if said.as_str().contains("x-queue-type") => {
                match self.settings.queue_type {
                    QueueType::Quorum => {
                        "the queue is there and is of another type, or this RabbitMQ has no quorum queues: set `queue_type: classic`, \
                         or delete the queue once it is empty"
                    }
                    QueueType::Classic => {
                        "the queue is there and is of another type: set `queue_type: quorum`, or delete the queue once it is empty"
                    }
                }
            }
            AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED)
                if said.as_str().contains("x-single-active-consumer") =>
            {
                match self.settings.single_active_consumer {
                    true => {
                        "the queue was made without that: set `single_active_consumer: false`, or delete it once it is empty"
                    }
                    false => {
                        "the queue was made with that: set `single_active_consumer: true`, or delete it once it is empty"
                    }
                }
            }
            AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED) => {
                "what is there was declared otherwise: make the feed's settings those, or set `declare: false`, or delete it there"
            }
            AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND) if !declare => {
                "with `declare: false` exchange, queue and bindings must be there: make them, or set `declare: true`"
            }
            AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) if declare => {
                "give the user the permissions to configure, write and read queue and exchange; or make them and set `declare: false`"
            }
            AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) => {
                "check user and password in `url`, and that the user may read the queue"
            }
            AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED) => {
                "check the virtual host in `url`, and that the user may use it"
            }
            _ => return said.to_string(),
        };
        format!("{said}; {help}")
    }
}

impl Session {
    /// Asks RabbitMQ for no more messages.
    pub async fn cancel(&self) {
        let options = lapin::options::BasicCancelOptions { nowait: true };
        let _ = tokio::time::timeout(CLOSE, self.channel.basic_cancel(TAG.into(), options)).await;
    }

    /// Gives what was not acknowledged back to the queue.
    pub async fn close(self) {
        // What is not closed in time is closed when it is dropped.
        let _ = tokio::time::timeout(CLOSE, self.connection.close(200, "OK".into())).await;
    }
}
