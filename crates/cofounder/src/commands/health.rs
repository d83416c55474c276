//! `cofounder health`: asks the server on this machine how it is; for whoever watches a container.

use serde_json::Value;
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{app::Files, cli::HealthArgs, failure::Failure, output};

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(4);
/// The longest answer that is read, in bytes.
const LONGEST: u64 = 1 << 20;

pub(crate) async fn run(files: &Files, args: &HealthArgs, as_json: bool) -> Result<(), Failure> {
    let address = reachable(args.address.unwrap_or(files.config.server.bind));
    let (good, told) = tokio::time::timeout(PATIENCE, asked(address))
        .await
        .unwrap_or_else(|_| Err(io::Error::other(format!("nothing came within {} s", PATIENCE.as_secs()))))
        .map_err(|error| {
            Failure::failed(format!(
                "the server at {address} does not answer: {error}. `cofounder serve` starts it"
            ))
        })?;
    if as_json {
        output::json(&told)?;
    } else {
        for part in told["components"].as_array().into_iter().flatten() {
            let text = |key: &str| part[key].as_str().unwrap_or_default().to_owned();
            output::line(format!("{}: {} ({})", text("name"), text("state"), text("why")))?;
        }
    }
    if good { Ok(()) } else { Err(Failure::silent()) }
}

/// What it says, and whether that is good. It is asked so plainly (HTTP/1.0) that no client is needed.
async fn asked(address: SocketAddr) -> io::Result<(bool, Value)> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET /readyz HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| io::Error::other("that is no HTTP"))?;
    let good = head.split(' ').nth(1) == Some("200");
    Ok((good, serde_json::from_str(body).map_err(io::Error::other)?))
}

/// A server that listens everywhere is asked here.
fn reachable(mut bind: SocketAddr) -> SocketAddr {
    if bind.ip().is_unspecified() {
        let here: [std::net::IpAddr; 2] =
            [std::net::Ipv4Addr::LOCALHOST.into(), std::net::Ipv6Addr::LOCALHOST.into()];
        bind.set_ip(here[usize::from(bind.is_ipv6())]);
    }
    bind
}
