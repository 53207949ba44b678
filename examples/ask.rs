//! Asks the daemon where a node is, and connects to it.
//!
//! ```sh
//! cargo run --example ask -- nas
//! cargo run --example ask -- nas 198.18.0.2:22000
//! ```
//!
//! A program may have an address for each node in its configuration: a fixed one, or `dynamic` to
//! ask the daemon. The second argument stands for that.

use std::error::Error;
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use foghorn::client::{self, Client, PeerAddress};
use foghorn::wire::NodeId;

/// How long the node may take to accept.
const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(id) = arguments.next() else {
        eprintln!("which node? Try cargo run --example ask -- nas");
        return ExitCode::FAILURE;
    };
    let address = arguments.next().unwrap_or_else(|| PeerAddress::Dynamic.to_string());
    match reach(&id, &address, Client::connect) {
        Ok(reached) => println!("{reached}"),
        // Each error of foghorn is one line: the fault and its remedy.
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Connects to a node, and returns the result.
fn reach(
    id: &str,
    address: &str,
    daemon: impl FnOnce() -> Result<Client, client::Error>,
) -> Result<String, Box<dyn Error>> {
    // A program does this once, when it reads its configuration. So it reports an error there
    // before it tries anything.
    let (id, address) = (id.parse::<NodeId>()?, address.parse::<PeerAddress>()?);
    // It does this each time it connects, and so finds a node that has moved.
    let Some(address) = address.resolve(id.as_str(), daemon)? else {
        return Ok(format!("{id} is not known: is it switched on, and does foghorn run there?"));
    };
    Ok(match connect(address) {
        Ok(_stream) => format!("{id} answers at {address}"),
        // The daemon knows where it heard a node. It does not know whether the node accepts
        // connections, nor that it is the right one: TLS or the like proves that.
        Err(error) => format!("{id} does not answer at {address}: {error}"),
    })
}

fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    TcpStream::connect_timeout(&address, PATIENCE)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::*;

    /// No daemon may be asked.
    fn nobody() -> Result<Client, client::Error> {
        panic!("the daemon was asked")
    }

    /// Runs a stand-in for the daemon, which knows one node.
    fn with_daemon(id: &str, address: SocketAddr, ask: impl FnOnce(Result<Client, client::Error>)) {
        let path = std::env::temp_dir().join(format!("foghorn-ask-{}.sock", std::process::id()));
        let listener = UnixListener::bind(&path).unwrap();
        let known = format!("lookup {id}");
        thread::scope(|scope| {
            scope.spawn(|| {
                let (mut stream, _) = listener.accept().unwrap();
                let requests = BufReader::new(stream.try_clone().unwrap()).lines();
                for request in requests.map_while(Result::ok) {
                    let reply = match request.as_str() {
                        "version 1" => "version protocol=1 foghorn=0.1.0\nok\n".to_owned(),
                        request if request == known => format!(
                            "node id={id} addresses={address} interface=lo age_s=0 known_s=0 expires_s=90 heard=1 \
                             contested=no\nok\n"
                        ),
                        _ => "error unknown-node it is not known\n".to_owned(),
                    };
                    stream.write_all(reply.as_bytes()).unwrap();
                }
            });
            ask(Client::connect_to(&path));
        });
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_node_is_reached_where_the_daemon_or_the_configuration_says() {
        let node = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = node.local_addr().unwrap();
        let answers = format!("nas answers at {address}");
        assert_eq!(reach("nas", &address.to_string(), nobody).unwrap(), answers);
        with_daemon("nas", address, |client| {
            assert_eq!(reach("nas", "dynamic", || client).unwrap(), answers);
        });
        drop(node);
        with_daemon("nas", address, |client| {
            let failed = reach("nas", "dynamic", || client).unwrap();
            assert!(failed.starts_with(&format!("nas does not answer at {address}: ")), "{failed}");
        });
        with_daemon("nas", address, |client| {
            assert!(reach("tv", "dynamic", || client).unwrap().starts_with("tv is not known"));
        });
    }

    #[test]
    fn a_bad_configuration_is_an_error_before_the_daemon_is_asked() {
        for (id, address) in
            [("my nas", "dynamic"), ("", "dynamic"), ("nas", "nas.local:22"), ("nas", "Dynamic")]
        {
            assert!(reach(id, address, nobody).is_err(), "{id:?} {address:?}");
        }
    }
}
