//! An answer's bytes become text while they come. What may still change is held back: half a character, and what may
//! be the beginning of a stop text. So nothing that was said is ever taken back. It knows nothing of tokens.

/// The end of an answer's text that is not certain yet.
pub(crate) struct Text<'a> {
    stops: &'a [String],
    held: Vec<u8>,
}

impl<'a> Text<'a> {
    pub(crate) fn new(stops: &'a [String]) -> Self {
        Self { stops, held: Vec::new() }
    }

    /// Takes bytes in; tells what of the text is certain now, and whether a stop text ended it.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> (String, bool) {
        self.held.extend_from_slice(bytes);
        if let Some(end) = stop_at(&self.held, self.stops) {
            self.held.truncate(end);
            return (self.rest(), true);
        }
        let certain = self.held.len() - begun_stop(&self.held, self.stops);
        let certain = certain - begun_character(&self.held[..certain]);
        let text = String::from_utf8_lossy(&self.held[..certain]).into_owned();
        self.held.drain(..certain);
        (text, false)
    }

    /// What is left at the end. A character that the answer was cut off in is left out.
    pub(crate) fn rest(&mut self) -> String {
        let held = std::mem::take(&mut self.held);
        String::from_utf8_lossy(&held[..held.len() - begun_character(&held)]).into_owned()
    }
}

/// Where a stop text begins, if the bytes hold one.
fn stop_at(bytes: &[u8], stops: &[String]) -> Option<usize> {
    let first = |stop: &String| bytes.windows(stop.len()).position(|part| part == stop.as_bytes());
    stops.iter().filter_map(first).min()
}

/// How many bytes at the end may be the beginning of a stop text.
fn begun_stop(bytes: &[u8], stops: &[String]) -> usize {
    let longest = |stop: &String| {
        let most = bytes.len().min(stop.len() - 1);
        (1..=most).rev().find(|count| bytes.ends_with(&stop.as_bytes()[..*count]))
    };
    stops.iter().filter_map(longest).max().unwrap_or(0)
}

/// How many bytes at the end are a character without its end. Bytes that can become none do not count.
fn begun_character(bytes: &[u8]) -> usize {
    // The longest character has four bytes; what begins one is never inside another.
    let tail = &bytes[bytes.len().saturating_sub(4)..];
    let begun = tail.utf8_chunks().last().map_or(&[][..], |chunk| chunk.invalid());
    let unfinished = std::str::from_utf8(begun).is_err_and(|error| error.error_len().is_none());
    if unfinished { begun.len() } else { 0 }
}

#[cfg(test)]
mod tests;
