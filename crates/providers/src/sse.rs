//! Where one event of a stream ends and the next begins: server-sent events (WHATWG HTML, section 9.2) or one JSON
//! document a line.

use crate::ProviderError;

/// The longest event that is read.
const LONGEST: usize = 8 << 20;
/// What a line of a stream of events begins with; a comment begins with a colon.
const FIELDS: [&[u8]; 5] = [b"data", b"event", b"id", b"retry", b":"];
/// Some servers put it before the first line: it says that what follows is UTF-8, which it is anyway.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How a stream is cut into events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Server-sent events.
    Events,
    /// A document a line.
    Lines,
}

/// Cuts a stream into events. Bytes go in as they come; whole events come out.
#[derive(Debug)]
pub(crate) struct Frames {
    framing: Framing,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are done with.
    done: usize,
    /// Up to here no further line ends.
    looked: usize,
    /// No line was read yet.
    first: bool,
    /// Data of the event that has begun.
    data: Vec<u8>,
    has_data: bool,
    /// Whether a line was one of a stream of events; none if nothing was read but empty lines.
    events: Option<bool>,
}

impl Frames {
    pub(crate) fn new(framing: Framing) -> Self {
        Self {
            framing,
            buffer: Vec::new(),
            done: 0,
            looked: 0,
            first: true,
            data: Vec::new(),
            has_data: false,
            events: None,
        }
    }

    /// Takes bytes in.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<(), ProviderError> {
        self.buffer.drain(..self.done);
        self.looked -= self.done;
        self.done = 0;
        if self.buffer.len() + self.data.len() + bytes.len() > LONGEST {
            return Err(ProviderError::malformed(format!("one event is larger than {} MiB", LONGEST >> 20)));
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// The data of the next whole event.
    pub(crate) fn next(&mut self) -> Option<Vec<u8>> {
        while let Some(line) = self.line() {
            match self.framing {
                Framing::Lines if line.is_empty() => {}
                Framing::Lines => return Some(line),
                Framing::Events if line.is_empty() => {
                    if std::mem::take(&mut self.has_data) {
                        return Some(std::mem::take(&mut self.data));
                    }
                }
                Framing::Events => self.field(&line),
            }
        }
        None
    }

    /// What the stream ended with: a last line without its end counts as one, half an event does not.
    pub(crate) fn end(&mut self) -> Result<Option<Vec<u8>>, ProviderError> {
        let rest = self.buffer.split_off(self.done);
        self.buffer.clear();
        (self.done, self.looked) = (0, 0);
        let rest = self.unmarked(&rest).trim_ascii();
        let speaks_events = self.speaks_events(rest);
        match self.framing {
            Framing::Lines if rest.is_empty() => Ok(None),
            Framing::Lines => Ok(Some(rest.to_vec())),
            Framing::Events if !speaks_events => {
                Err(ProviderError::malformed("it is no stream of events, and one was asked for"))
            }
            // A comment at the very end may lack its line's end, too.
            Framing::Events if !self.has_data && (rest.is_empty() || rest.starts_with(b":")) => Ok(None),
            Framing::Events => {
                // Some servers leave out the blank line behind the last event: it counts if it is whole.
                self.field(rest);
                let whole = self.data == b"[DONE]"
                    || serde_json::from_slice::<serde::de::IgnoredAny>(&self.data).is_ok();
                if whole { Ok(Some(std::mem::take(&mut self.data))) } else { Err(ProviderError::Truncated) }
            }
        }
    }

    /// Whether what was read is a stream of events, as far as one can tell with this line.
    fn speaks_events(&mut self, line: &[u8]) -> bool {
        if self.events != Some(true) && !line.is_empty() {
            self.events = Some(FIELDS.iter().any(|field| line.starts_with(field)));
        }
        self.events.unwrap_or(true)
    }

    fn field(&mut self, line: &[u8]) {
        self.speaks_events(line);
        let Some(value) = line.strip_prefix(b"data") else { return };
        let value = match value.strip_prefix(b":") {
            Some(value) => value.strip_prefix(b" ").unwrap_or(value),
            None if value.is_empty() => value,
            None => return,
        };
        if self.has_data {
            self.data.push(b'\n');
        }
        self.has_data = true;
        self.data.extend_from_slice(value);
    }

    /// A line without the mark that may stand before the first one.
    fn unmarked<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        line.strip_prefix(BYTE_ORDER_MARK).filter(|_| self.first).unwrap_or(line)
    }

    /// The next line, without its end: `\n` or `\r\n`. A lone `\r`, which the standard allows, is used by nobody.
    fn line(&mut self) -> Option<Vec<u8>> {
        let found = self.buffer[self.looked..].iter().position(|byte| *byte == b'\n');
        let Some(at) = found.map(|at| self.looked + at) else {
            self.looked = self.buffer.len();
            return None;
        };
        let line = self.unmarked(&self.buffer[self.done..at]);
        let line = line.strip_suffix(b"\r").unwrap_or(line).to_vec();
        (self.done, self.looked, self.first) = (at + 1, at + 1, false);
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(framing: Framing, pieces: &[&[u8]]) -> Vec<String> {
        let mut frames = Frames::new(framing);
        let mut events = Vec::new();
        for piece in pieces {
            frames.feed(piece).unwrap();
            while let Some(event) = frames.next() {
                events.push(String::from_utf8(event).unwrap());
            }
        }
        if let Some(last) = frames.end().unwrap() {
            events.push(String::from_utf8(last).unwrap());
        }
        events
    }

    #[test]
    fn events_are_the_same_however_their_bytes_come() {
        let stream =
            b": hi\r\nevent: x\r\ndata: {\"a\":1}\r\n\r\ndata:b\ndata: c\n\nid: 3\n\n\ndata: [DONE]\n\n";
        let whole = all(Framing::Events, &[stream]);
        assert_eq!(whole, ["{\"a\":1}", "b\nc", "[DONE]"]);
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(all(Framing::Events, &bytes), whole);
        let threes: Vec<&[u8]> = stream.chunks(3).collect();
        assert_eq!(all(Framing::Events, &threes), whole);
    }

    #[test]
    fn lines_are_events_too() {
        assert_eq!(all(Framing::Lines, &[b"{\"a\":1}\n\n{\"b\"", b":2}"]), ["{\"a\":1}", "{\"b\":2}"]);
    }

    /// Tried by letting the mark stand, and by taking it off every line: the test failed both times.
    #[test]
    fn a_byte_order_mark_counts_for_nothing_at_the_very_beginning() {
        let stream = b"\xef\xbb\xbfdata: 1\n\n\xef\xbb\xbfdata: 2\n\ndata: 3\n\n";
        assert_eq!(all(Framing::Events, &[stream]), ["1", "3"]);
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(all(Framing::Events, &bytes), ["1", "3"]);
        assert_eq!(all(Framing::Events, &[b"\xef\xbb\xbfdata: 1"]), ["1"]);
        assert_eq!(all(Framing::Lines, &[b"\xef\xbb\xbf1\n2"]), ["1", "2"]);
    }

    /// Tried by taking a comment without its line's end for half an event: the test failed.
    #[test]
    fn a_comment_at_the_end_is_no_half_event() {
        assert_eq!(all(Framing::Events, &[b"data: 1\n\n: bye"]), ["1"]);
        assert_eq!(all(Framing::Events, &[b"data: 1\n: bye"]), ["1"]);
        let mut frames = Frames::new(Framing::Events);
        frames.feed(b"data: 1\n\ndat").unwrap();
        assert!(frames.next().is_some());
        assert_eq!(frames.end(), Err(ProviderError::Truncated));
    }

    #[test]
    fn half_an_event_is_none() {
        let mut frames = Frames::new(Framing::Events);
        frames.feed(b"data: {\"a\": \"b").unwrap();
        assert!(frames.next().is_none());
        assert_eq!(frames.end(), Err(ProviderError::Truncated));
        assert_eq!(
            all(Framing::Events, &[b"data: {\"a\":1}"]),
            ["{\"a\":1}"],
            "only its blank line is missing"
        );
    }

    /// Tried by leaving out what tells them apart: a whole document was an answer that broke off.
    #[test]
    fn what_is_no_stream_of_events_is_told_apart_from_a_broken_one() {
        let end = |bytes: &[u8]| {
            let mut frames = Frames::new(Framing::Events);
            frames.feed(bytes).unwrap();
            while frames.next().is_some() {}
            frames.end()
        };
        for none in ["{\"a\": 1}", "{\n\"a\": 1\n}\n", "<html>\n\n<p>data</p>", "\n\n[]\n"] {
            assert!(matches!(end(none.as_bytes()), Err(ProviderError::Malformed { .. })), "{none}");
        }
        assert_eq!(end(b"{\ndata: 1\n\n"), Ok(None), "a strange line among events is passed over");
        assert_eq!((end(b""), end(b"\n\n"), end(b"event: x\n")), (Ok(None), Ok(None), Ok(None)));
    }

    #[test]
    fn an_event_has_a_longest_length() {
        let mut frames = Frames::new(Framing::Events);
        let mut fed = Ok(());
        for _ in 0..20 {
            fed = fed.and_then(|()| frames.feed(&vec![b'x'; 1 << 20]));
        }
        assert!(matches!(fed, Err(ProviderError::Malformed { .. })));
    }
}
