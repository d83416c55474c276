//! A client that sees every byte of an answer, and whether it ended as HTTP says.

use serde_json::Value;
use std::{collections::BTreeMap, io, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// No call of a scenario may take as long.
const PATIENCE: Duration = Duration::from_secs(120);

/// What came back.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
    /// The body came to its end.
    pub(super) whole: bool,
}

/// Asks once, on a connection of its own.
pub(super) async fn ask(url: &str, token: &str, question: &Value) -> io::Result<Heard> {
    let address = url.trim_start_matches("http://");
    let body = question.to_string();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.map_err(io::Error::other)??;
    parse(&bytes).ok_or_else(|| io::Error::other("no answer of HTTP"))
}

fn parse(bytes: &[u8]) -> Option<Heard> {
    let end = bytes.windows(4).position(|part| part == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let header = |line: &str| {
        line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    let headers: BTreeMap<String, String> = lines.filter_map(header).collect();
    let rest = &bytes[end + 4..];
    let (body, whole) = match headers.get("content-length") {
        Some(length) => (rest.to_vec(), rest.len() == length.parse::<usize>().ok()?),
        None => chunks(rest),
    };
    Some(Heard { status, headers, body, whole })
}

/// The chunks put together, and whether the last one came.
fn chunks(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(line) = rest.windows(2).position(|part| part == b"\r\n") {
        let size =
            std::str::from_utf8(&rest[..line]).ok().and_then(|hex| usize::from_str_radix(hex, 16).ok());
        let (Some(size), begin) = (size, line + 2) else { break };
        if size == 0 {
            return (body, true);
        }
        let Some(chunk) = rest.get(begin..begin + size) else {
            body.extend_from_slice(&rest[begin..]);
            break;
        };
        body.extend_from_slice(chunk);
        rest = rest.get(begin + size + 2..).unwrap_or_default();
    }
    (body, false)
}
