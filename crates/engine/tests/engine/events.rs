//! Reads a streamed answer as it comes: HTTP's chunks, and the server-sent events in them.

use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read},
    os::unix::net::UnixStream,
};

use crate::support::Engine;

/// A streamed answer that has begun.
pub(crate) struct Events {
    stream: BufReader<UnixStream>,
    buffer: Vec<u8>,
    /// The lines of its head.
    pub(crate) head: Vec<String>,
}

/// All that a streamed answer said.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) chunks: Vec<Value>,
    pub(crate) done: bool,
}

impl Engine {
    /// Asks for a stream, and waits for its head.
    pub(crate) fn stream(&self, request: &Value) -> Events {
        Events::of(self.ask_for_stream(request))
    }

    /// Asks for a stream, and does not read.
    pub(crate) fn ask_for_stream(&self, request: &Value) -> UnixStream {
        let mut request = request.clone();
        request["stream"] = json!(true);
        self.send("POST", "/v1/chat/completions", &request.to_string())
    }

    /// A streamed answer to its end.
    pub(crate) fn hear(&self, request: &Value) -> Heard {
        self.stream(request).rest()
    }
}

impl Events {
    pub(crate) fn of(stream: UnixStream) -> Self {
        let mut events = Self { stream: BufReader::new(stream), buffer: Vec::new(), head: Vec::new() };
        loop {
            let line = events.line();
            if line.is_empty() {
                return events;
            }
            events.head.push(line);
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.strip_suffix("\r\n").expect("a whole line").to_owned()
    }

    /// The data of the next event; none at the end of the body.
    pub(crate) fn next(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|w| w == b"\n\n") {
                let event: Vec<u8> = self.buffer.drain(..end + 2).collect();
                let event = String::from_utf8(event).expect("no half characters");
                return Some(event.strip_prefix("data: ").unwrap().trim_end().to_owned());
            }
            let size = usize::from_str_radix(&self.line(), 16).unwrap();
            let mut chunk = vec![0; size];
            self.stream.read_exact(&mut chunk).unwrap();
            self.line();
            if size == 0 {
                assert!(self.buffer.is_empty(), "half an event");
                return None;
            }
            self.buffer.extend(chunk);
        }
    }

    /// Everything that still comes.
    pub(crate) fn rest(&mut self) -> Heard {
        let mut heard = Heard::default();
        while let Some(event) = self.next() {
            assert!(!heard.done, "{event} behind the end");
            match event.as_str() {
                "[DONE]" => heard.done = true,
                event => heard.chunks.push(serde_json::from_str(event).unwrap()),
            }
        }
        heard
    }
}

impl Heard {
    /// The pieces of the text.
    pub(crate) fn deltas(&self) -> Vec<&str> {
        let content = |chunk: &'_ Value| chunk["choices"][0]["delta"].get("content").is_some();
        let said = self.chunks.iter().skip(1).filter(|c| content(c));
        said.map(|c| c["choices"][0]["delta"]["content"].as_str().unwrap()).collect()
    }

    pub(crate) fn text(&self) -> String {
        self.deltas().concat()
    }

    pub(crate) fn finish(&self) -> &str {
        let reasons = self.chunks.iter().filter_map(|c| c["choices"][0]["finish_reason"].as_str());
        let reasons: Vec<&str> = reasons.collect();
        assert_eq!(reasons.len(), 1, "{reasons:?}");
        reasons[0]
    }
}
