//! The name of a question.

use cofounder_domain::{StepPath, TaskId};
use cofounder_providers::ChatRequest;
use sha2::{Digest, Sha256};

/// SHA-256, in hexadecimal digits, of the task, the step, the ordinal and the request. Each part is preceded by its
/// length, so that no two different questions look the same.
pub(crate) fn key(
    task: TaskId,
    step: &StepPath,
    ordinal: u32,
    request: &ChatRequest,
) -> Result<String, serde_json::Error> {
    let request = serde_json::to_vec(request)?;
    let mut hash = Sha256::new();
    for part in [task.to_string().as_bytes(), step.as_str().as_bytes(), &ordinal.to_be_bytes(), &request] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    Ok(hex::encode(hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofounder_domain::Timestamp;
    use cofounder_providers::Message;
    use std::collections::HashSet;

    #[test]
    fn every_part_counts_and_the_same_question_has_the_same_key() {
        let at = Timestamp::from_timestamp_millis(5).unwrap();
        let (task, other) = (TaskId::new(at), TaskId::new(at));
        let ask = |text: &str| ChatRequest { messages: vec![Message::user(text)], ..ChatRequest::default() };
        let (a, ab) = (StepPath::new("a"), StepPath::new("a/b"));
        let keys: HashSet<String> = [
            (task, &a, 0, "x"),
            (other, &a, 0, "x"),
            (task, &ab, 0, "x"),
            (task, &a, 1, "x"),
            (task, &a, 0, "y"),
        ]
        .map(|(task, step, ordinal, text)| key(task, step, ordinal, &ask(text)).unwrap())
        .into();
        assert_eq!(keys.len(), 5);
        assert_eq!(key(task, &a, 0, &ask("x")).unwrap(), key(task, &a, 0, &ask("x")).unwrap());
    }
}
