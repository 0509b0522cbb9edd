//! Where the edges listen: each on a port of its own.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use tokio::net::{TcpListener, TcpStream};

use crate::error::{Error, ErrorKind};

/// Edges of one emulator.
pub const EDGES_MAX: usize = 16;

/// A listener for each edge, by its number.
pub(crate) struct Listeners {
    listeners: Vec<TcpListener>,
    /// Whose turn it is, so that callers of one edge cannot keep those of another waiting.
    next: usize,
}

/// Where so many edges listen: at `first` and on the ports after it. With port 0 each picks its own.
///
/// Refuses fewer than one edge, more than [`EDGES_MAX`], and ports above 65535.
pub fn addresses(first: SocketAddr, edges: usize) -> Result<Vec<SocketAddr>, Error> {
    if !(1..=EDGES_MAX).contains(&edges) {
        let text = format!("there cannot be {edges} edges; 1 to {EDGES_MAX} are possible");
        return Err(Error::new(ErrorKind::Listen, text));
    }
    let port = |edge: usize| match first.port() {
        0 => Some(0),
        port => port.checked_add(u16::try_from(edge).ok()?),
    };
    let address = |edge| {
        let port = port(edge).ok_or_else(|| {
            Error::new(ErrorKind::Listen, format!("there are no {edges} ports from {} on", first.port()))
        });
        port.map(|port| SocketAddr::new(first.ip(), port))
    };
    (0..edges).map(address).collect()
}

impl Listeners {
    /// Listens at all of these.
    pub(crate) async fn bind(addresses: &[SocketAddr]) -> Result<Listeners, Error> {
        let mut listeners = Vec::new();
        for address in addresses {
            listeners.push(TcpListener::bind(address).await.map_err(|error| refuse(*address, &error))?);
        }
        Ok(Listeners { listeners, next: 0 })
    }

    /// Where they do, with the ports that were picked.
    pub(crate) fn addresses(&self) -> Result<Vec<SocketAddr>, Error> {
        let addresses = self.listeners.iter().map(TcpListener::local_addr).collect::<io::Result<_>>();
        addresses.map_err(|error| Error::new(ErrorKind::Listen, format!("cannot listen: {error}")))
    }

    /// The next connection, with the number of the edge that it is for.
    pub(crate) async fn accept(&mut self) -> io::Result<(usize, TcpStream, SocketAddr)> {
        poll_fn(|context| self.poll_accept(context)).await
    }

    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<io::Result<(usize, TcpStream, SocketAddr)>> {
        let count = self.listeners.len();
        for edge in (self.next..self.next + count).map(|number| number % count) {
            if let Poll::Ready(accepted) = self.listeners[edge].poll_accept(context) {
                self.next = (edge + 1) % count;
                return Poll::Ready(accepted.map(|(stream, address)| (edge, stream, address)));
            }
        }
        Poll::Pending
    }
}

fn refuse(address: SocketAddr, error: &io::Error) -> Error {
    Error::new(ErrorKind::Listen, format!("cannot listen on {address}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ports(first: u16, edges: usize) -> Result<Vec<u16>, Error> {
        let addresses = addresses(SocketAddr::from(([127, 0, 0, 1], first)), edges)?;
        Ok(addresses.iter().map(SocketAddr::port).collect())
    }

    #[test]
    fn ok_the_port_and_those_after_it() {
        assert_eq!(ports(3000, 3).unwrap(), [3000, 3001, 3002]);
        assert_eq!(ports(0, 2).unwrap(), [0, 0]);
        assert_eq!(ports(65535, 1).unwrap(), [65535]);
        assert_eq!(ports(3000, EDGES_MAX).unwrap().len(), EDGES_MAX);
    }

    #[test]
    fn err_no_such_ports_or_too_many_edges() {
        for (first, edges) in [(65535, 2), (3000, 0), (3000, EDGES_MAX + 1)] {
            assert_eq!(ports(first, edges).unwrap_err().kind(), ErrorKind::Listen, "{edges} from {first}");
        }
    }

    #[tokio::test]
    async fn ok_in_turn() {
        let first = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut listeners = Listeners::bind(&addresses(first, 2).unwrap()).await.unwrap();
        let mut callers = Vec::new();
        for edge in [0, 0, 1] {
            callers.push(TcpStream::connect(listeners.addresses().unwrap()[edge]).await.unwrap());
        }
        // Until the runtime has heard of all three.
        tokio::time::sleep(Duration::from_millis(20)).await;
        for expected in [0, 1, 0] {
            assert_eq!(listeners.accept().await.unwrap().0, expected);
        }
    }
}
