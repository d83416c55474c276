//! Words of the description: CommonMark of which only paragraphs and code are used.

/// A run of words, code, or the name of a document that is described below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) code: bool,
    pub(super) link: Option<String>,
}

impl Piece {
    pub(super) fn words(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: false, link: None }
    }

    pub(super) fn code(text: impl Into<String>) -> Self {
        Self { code: true, ..Self::words(text) }
    }

    pub(super) fn document(name: &str) -> Self {
        Self { link: Some(format!("document-{name}")), ..Self::words(name) }
    }
}

/// The paragraphs of a text.
pub(super) fn paragraphs(text: &str) -> Vec<Vec<Piece>> {
    text.split("\n\n").filter(|part| !part.trim().is_empty()).map(pieces).collect()
}

/// A paragraph. What stands between two backquotes is code.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let parts = text.split('`').enumerate().filter(|(_, part)| !part.is_empty());
    parts.map(|(at, part)| if at % 2 == 1 { Piece::code(part) } else { Piece::words(part) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_backquotes_is_code() {
        let told = paragraphs("Set `a` or `b`.\n\n`c`");
        let expected = [
            Piece::words("Set "),
            Piece::code("a"),
            Piece::words(" or "),
            Piece::code("b"),
            Piece::words("."),
        ];
        assert_eq!(told, [expected.to_vec(), vec![Piece::code("c")]]);
        assert_eq!(paragraphs(""), Vec::<Vec<Piece>>::new());
    }
}
