//! A component's standard output and error, line by line into the log.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// Bytes of one line; what is longer is logged in pieces.
const LINE_BYTES_MAX: usize = 64 << 10;

/// One of the two streams of one instance.
#[derive(Clone)]
pub(crate) struct Output {
    component: Arc<str>,
    stream: Stream,
    /// The line that has not ended yet. All writers of the instance share it.
    pending: Arc<Mutex<Vec<u8>>>,
}

/// Which of the two.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

impl Output {
    pub(crate) fn new(component: Arc<str>, stream: Stream) -> Output {
        Output { component, stream, pending: Arc::default() }
    }

    fn write(&self, bytes: &[u8]) {
        let mut pending = self.pending.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        pending.extend_from_slice(bytes);
        let mut start = 0;
        while let Some(length) = line_bytes(&pending[start..]) {
            self.log(&pending[start..start + length]);
            start += length;
        }
        pending.drain(..start);
    }

    /// The line is the message as it stands: a component that logs in JSON has its own fields in it, its own level among them.
    fn log(&self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let (text, component) = (text.trim_end(), &*self.component);
        match self.stream {
            _ if text.is_empty() => {}
            Stream::Stderr if !text.starts_with('{') => tracing::warn!(target: "component", component, "{text}"),
            _ => tracing::info!(target: "component", component, "{text}"),
        }
    }
}

/// Bytes of the first line, its end included, if it has ended or is too long.
fn line_bytes(bytes: &[u8]) -> Option<usize> {
    let end = bytes.iter().take(LINE_BYTES_MAX).position(|byte| *byte == b'\n');
    end.map(|end| end + 1).or((bytes.len() >= LINE_BYTES_MAX).then_some(LINE_BYTES_MAX))
}

/// What an instance wrote last may lack the end of its line, above all when it trapped.
impl Drop for Output {
    fn drop(&mut self) {
        if Arc::strong_count(&self.pending) == 1 {
            self.write(b"\n");
        }
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Output {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.write(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_lines() {
        assert_eq!(line_bytes(b""), None);
        assert_eq!(line_bytes(b"half"), None);
        assert_eq!(line_bytes(b"one\ntwo\n"), Some(4));
        assert_eq!(line_bytes(&[b'x'; LINE_BYTES_MAX + 1]), Some(LINE_BYTES_MAX));
    }

    #[test]
    fn ok_keeps_what_has_not_ended() {
        let output = Output::new("test".into(), Stream::Stdout);
        output.write(b"first\nsec");
        output.write(b"ond");
        assert_eq!(*output.pending.lock().expect("not poisoned"), b"second");
        output.write(b"\n");
        assert!(output.pending.lock().expect("not poisoned").is_empty());
    }
}
