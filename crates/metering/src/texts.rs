//! What is kept of questions and answers for whoever looks at the ledger: not for long, not all of it, and no secrets.

use regex::Regex;
use std::{borrow::Cow, sync::LazyLock, time::Duration};

/// How texts are kept.
#[derive(Clone, Debug)]
pub struct Texts {
    /// How long; nothing for not at all.
    pub keep: Duration,
    /// Bytes of each, at the most.
    pub longest: usize,
    /// What is blanked out beside what looks like a secret.
    pub redact: Vec<Regex>,
}

impl Default for Texts {
    /// A week, 16 KiB of each.
    fn default() -> Self {
        Self { keep: Duration::from_hours(7 * 24), longest: 16 << 10, redact: Vec::new() }
    }
}

/// What looks like a secret: keys as providers write them, bearer tokens, JSON web tokens, private keys, e-mail addresses,
/// data of pictures. Words end where ASCII has them end: where all of Unicode counts, a text with umlauts takes a hundred times as
/// long (3 ms for 18 kB); and the name before an `@` has 64 letters at the most, as in RFC 5321.
static SECRETS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let forms = [
        r"(?-u:\b)(?:sk|pk|rk|xox[abp]|xai|gh[pousr]|github_pat|glpat|hf|gsk|cof|AIza|AKIA)[-_]?[A-Za-z0-9_-]{16,}",
        r"(?-u:\b)eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+){2,4}",
        r"(?i)(?-u:\b)bearer\s+[A-Za-z0-9._~+/-]{16,}=*",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
        r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
        r"data:[a-z]+/[a-z0-9.+-]+;base64,[A-Za-z0-9+/=]*",
    ];
    Regex::new(&forms.join("|")).ok()
});

impl Texts {
    /// What is kept of a text; none if nothing is.
    pub(crate) fn kept(&self, text: &str) -> Option<String> {
        if self.keep.is_zero() {
            return None;
        }
        let text = begun(text, self.longest.saturating_mul(4));
        let clean = SECRETS.as_ref().map_or(Cow::Borrowed(text), |form| form.replace_all(text, "[redacted]"));
        let mut clean = clean.into_owned();
        for form in &self.redact {
            if let Cow::Owned(cleaner) = form.replace_all(&clean, "[redacted]") {
                clean = cleaner;
            }
        }
        if clean.len() > self.longest {
            // Cut behind the blanking, so that no half of a secret stays.
            let end = (0..=self.longest).rev().find(|at| clean.is_char_boundary(*at)).unwrap_or(0);
            let cut = clean.len() - end;
            clean.truncate(end);
            clean.push_str(&format!("… [{cut} bytes more]"));
        }
        Some(clean)
    }
}

/// As much of a text as is looked at: a large one would take its time. What may be half a secret at its end is dropped.
fn begun(text: &str, most: usize) -> &str {
    const HALF: usize = 512;
    if text.len() <= most + HALF {
        return text;
    }
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    /// Tried by leaving the e-mail form out: the test failed.
    #[test]
    fn secrets_are_blanked_out_and_words_are_not() {
        let texts = Texts { redact: vec![Regex::new("Project X").unwrap()], ..Texts::default() };
        let kept = texts
            .kept(
                "kéy sk-abcdefghijklmnop1234, Bearer abcdefghijklmnop.qrst, me@example.org, Project X, \
                 data:image/png;base64,iVBORw0KGgo= and a risk-free word",
            )
            .unwrap();
        assert_eq!(
            kept,
            "kéy [redacted], [redacted], [redacted], [redacted], [redacted] and a risk-free word"
        );
    }

    /// Tried by leaving each of the four forms out: the test failed each time.
    #[test]
    fn tokens_of_github_gitlab_and_xai_and_json_web_tokens_are_blanked_out() {
        let token =
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
        for (text, kept) in [
            ("github_pat_11ABCDEFG0abcdefghij_KLMNOPqrst.", "[redacted]."),
            ("glpat-abcdefghij0123456789", "[redacted]"),
            ("xai-abcdefghij0123456789ABCDEF", "[redacted]"),
            (&format!("a={token}; b"), "a=[redacted]; b"),
            (&format!("It is {token}."), "It is [redacted]."),
            (&format!("Bearer {token}"), "[redacted]"),
            (
                "eyJhbGciOiJIUzI1NiJ9 and eyJ.a.b are no tokens, nor is an xai-model",
                "eyJhbGciOiJIUzI1NiJ9 and eyJ.a.b are no tokens, nor is an xai-model",
            ),
        ] {
            assert_eq!(Texts::default().kept(text).unwrap(), kept, "{text}");
        }
    }

    /// Tried with e-mail names of any length, each of which is looked for up to the end of the text: it took 2 s instead of
    /// 10 ms.
    #[test]
    fn many_secrets_without_a_space_between_them_take_no_time() {
        for text in ["sk-abcdefghijklmnopqrst.", "eyJabcdefgh.", "me@example.org,"] {
            let text = text.repeat((64 << 10) / text.len());
            let begun = Instant::now();
            assert!(Texts::default().kept(&text).is_some_and(|kept| kept.contains("[redacted]")));
            assert!(begun.elapsed() < Duration::from_secs(1), "{text:.20}: {:?}", begun.elapsed());
        }
    }

    #[test]
    fn a_long_text_is_cut_at_a_letter_and_says_so() {
        let texts = Texts { longest: 5, ..Texts::default() };
        assert_eq!(texts.kept("ääää").unwrap(), "ää… [4 bytes more]");
        assert_eq!(Texts { keep: Duration::ZERO, ..texts }.kept("x"), None);
    }
}
