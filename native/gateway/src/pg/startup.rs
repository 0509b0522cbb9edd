//! Logging in: `StartupMessage`, then whatever authentication the server asks for.

use std::{fmt, io};

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::{AuthenticationSaslBody, Message};
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::connect::BackendKey;
use super::message;
use super::server_error::ServerError;
use super::stream::Stream;
use super::target::Target;

/// Bytes of a message before the login is done; a server that sends more is none of ours.
const MESSAGE_BYTES_MAX: usize = 64 << 10;

pub(crate) enum StartupError {
    Io(io::Error),
    /// Postgres refused.
    Server(Box<ServerError>),
}

impl fmt::Display for StartupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartupError::Io(error) => write!(f, "cannot connect to Postgres: {error}"),
            StartupError::Server(error) => f.write_str(&error.message),
        }
    }
}

impl From<io::Error> for StartupError {
    fn from(error: io::Error) -> StartupError {
        StartupError::Io(error)
    }
}

/// Logs in and waits until the connection is ready for queries.
pub(crate) async fn log_in(stream: &mut Stream, target: &Target) -> Result<BackendKey, StartupError> {
    let mut login = Login { stream, target, incoming: BytesMut::new() };
    login.start().await?;
    login.authenticate().await?;
    login.ready().await
}

struct Login<'a> {
    stream: &'a mut Stream,
    target: &'a Target,
    incoming: BytesMut,
}

impl<'a> Login<'a> {
    async fn start(&mut self) -> Result<(), StartupError> {
        let fixed = [
            ("user", self.target.user.as_str()),
            ("database", self.target.database.as_str()),
            ("client_encoding", "UTF8"),
        ];
        let given = self.target.parameters.iter().map(|(key, value)| (*key, value.as_str()));
        let parameters: Vec<_> = fixed.into_iter().chain(given).collect();
        self.send(|out| frontend::startup_message(parameters, out)).await
    }

    async fn authenticate(&mut self) -> Result<(), StartupError> {
        loop {
            match self.receive().await? {
                Message::AuthenticationOk => return Ok(()),
                Message::AuthenticationCleartextPassword => {
                    let password = self.password()?;
                    self.send(|out| frontend::password_message(password, out)).await?;
                }
                Message::AuthenticationMd5Password(body) => {
                    let hash = md5_hash(self.target.user.as_bytes(), self.password()?, body.salt());
                    self.send(|out| frontend::password_message(hash.as_bytes(), out)).await?;
                }
                Message::AuthenticationSasl(body) => self.scram(body).await?,
                _ => return Err(io::Error::other("the server asks for an unsupported authentication").into()),
            }
        }
    }

    /// SCRAM-SHA-256 (RFC 7677). The server proves here that it knows the password too.
    async fn scram(&mut self, body: AuthenticationSaslBody) -> Result<(), StartupError> {
        if !body.mechanisms().any(|mechanism| Ok(mechanism == SCRAM_SHA_256))? {
            return Err(io::Error::other("the server offers no `SCRAM-SHA-256`").into());
        }
        let mut scram = ScramSha256::new(self.password()?, ChannelBinding::unsupported());
        self.send(|out| frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), out)).await?;
        let Message::AuthenticationSaslContinue(body) = self.receive().await? else { return Err(unexpected()) };
        scram.update(body.data())?;
        self.send(|out| frontend::sasl_response(scram.message(), out)).await?;
        let Message::AuthenticationSaslFinal(body) = self.receive().await? else { return Err(unexpected()) };
        Ok(scram.finish(body.data())?)
    }

    async fn ready(&mut self) -> Result<BackendKey, StartupError> {
        let mut key = BackendKey::default();
        loop {
            match self.receive().await? {
                Message::BackendKeyData(body) => {
                    key = BackendKey { process_id: body.process_id(), secret_key: body.secret_key() };
                }
                Message::ReadyForQuery(_) => return Ok(key),
                Message::ParameterStatus(_) => {}
                _ => return Err(unexpected()),
            }
        }
    }

    fn password(&self) -> io::Result<&'a [u8]> {
        match &self.target.password {
            Some(password) => Ok(password.as_bytes()),
            None => Err(io::Error::other("the server asks for a password and the database URL has none")),
        }
    }

    async fn send(&mut self, write: impl FnOnce(&mut BytesMut) -> io::Result<()>) -> Result<(), StartupError> {
        let mut out = BytesMut::new();
        write(&mut out)?;
        self.stream.write_all(&out).await?;
        self.stream.flush().await?;
        Ok(())
    }

    /// The next message that is not a notice.
    async fn receive(&mut self) -> Result<Message, StartupError> {
        loop {
            // Before parsing, which makes room for whatever length the head promises.
            if message::head(&self.incoming)?.is_some_and(|(_, bytes)| bytes > MESSAGE_BYTES_MAX) {
                return Err(unexpected());
            }
            match Message::parse(&mut self.incoming)? {
                Some(Message::ErrorResponse(body)) => return Err(StartupError::Server(ServerError::from_body(&body)?)),
                Some(Message::NoticeResponse(_)) => {}
                Some(message) => return Ok(message),
                None => {
                    if self.stream.read_buf(&mut self.incoming).await? == 0 {
                        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                    }
                }
            }
        }
    }
}

fn unexpected() -> StartupError {
    io::Error::other("unexpected message from the server during the login").into()
}
