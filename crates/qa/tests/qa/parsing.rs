//! Drafts become sentences with citations.

use cofounder_qa::{Kind, parse};

fn read(markdown: &str) -> Vec<(Kind, String, Vec<u32>)> {
    parse(markdown).sentences.into_iter().map(|s| (s.kind, s.text, s.citations)).collect()
}

fn prose(text: &str, citations: &[u32]) -> (Kind, String, Vec<u32>) {
    (Kind::Prose, text.to_owned(), citations.to_vec())
}

#[test]
fn marks_belong_to_the_sentence_before_them() {
    for (markdown, want) in [
        (
            "It is small. [S1] It is fast. [S2][S3]",
            vec![("It is small.", vec![1]), ("It is fast.", vec![2, 3])],
        ),
        (
            "It is small [S1]. It is fast [S2, S3].",
            vec![("It is small.", vec![1]), ("It is fast.", vec![2, 3])],
        ),
        ("It is small.[S1] It is fast.[S2]", vec![("It is small.", vec![1]), ("It is fast.", vec![2])]),
        (
            "It is small.\n[S1]\nIt is fast.\n\n[S2]",
            vec![("It is small.", vec![1]), ("It is fast.", vec![2])],
        ),
        ("[S1] It is small. It is fast.", vec![("It is small.", vec![1]), ("It is fast.", vec![])]),
        ("It is small [S1] and fast [S2][S1].", vec![("It is small and fast.", vec![1, 2])]),
        ("It is\nwrapped. [S1]\nTwice.", vec![("It is wrapped.", vec![1]), ("Twice.", vec![])]),
        (
            "It is **small.** [S1] *It* is `a.b. C`. [S2] Yes.",
            vec![("It is small.", vec![1]), ("It is a.b. C.", vec![2]), ("Yes.", vec![])],
        ),
        ("See [a. B](http://x.example/y.Z?q=1). [S1] Next.", vec![("See a. B.", vec![1]), ("Next.", vec![])]),
    ] {
        let want: Vec<_> = want.into_iter().map(|(t, c)| prose(t, &c)).collect();
        assert_eq!(read(markdown), want, "{markdown}");
    }
}

#[test]
fn a_quotation_is_one_sentence() {
    for (markdown, want) in [
        (
            "*On SQLite* says: “One. Two.” [S3] Next.",
            vec![("On SQLite says: “One. Two.”", vec![3]), ("Next.", vec![])],
        ),
        (
            "*On SQLite* says: \"One. Two.\" [S3] Next.",
            vec![("On SQLite says: \"One. Two.\"", vec![3]), ("Next.", vec![])],
        ),
        ("“Is it? Yes.” he asked. [S1] Next.", vec![("“Is it? Yes.” he asked.", vec![1]), ("Next.", vec![])]),
        ("“One. Two.” — *Title* [S3]", vec![("“One. Two.” — Title", vec![3])]),
        (
            "He called it “fast.” Then he left. [S1]",
            vec![("He called it “fast.”", vec![]), ("Then he left.", vec![1])],
        ),
    ] {
        let want: Vec<_> = want.into_iter().map(|(t, c)| prose(t, &c)).collect();
        assert_eq!(read(markdown), want, "{markdown}");
    }
}

#[test]
fn blocks_have_their_kinds() {
    let markdown = "---\ntitle: x\n---\n# A Title [S9]\n\nOne. Two.\n\n- an item [S1]\n- two. Three. [S2]\n\n> “A. B.”\n> — *T* [S3]\n\n```\ncode. [S4]\n```\n\n| a | b |\n|---|---|\n| c. D | e [S5] |\n\nSetext\n======\n";
    let want = [
        (Kind::Heading, "A Title", vec![9]),
        (Kind::Prose, "One.", vec![]),
        (Kind::Prose, "Two.", vec![]),
        (Kind::ListItem, "an item", vec![1]),
        (Kind::ListItem, "two.", vec![]),
        (Kind::ListItem, "Three.", vec![2]),
        (Kind::Quotation, "“A. B.” — T", vec![3]),
        (Kind::Code, "```\ncode. [S4]\n```", vec![]),
        (Kind::Table, "| a | b |", vec![]),
        (Kind::Table, "| c. D | e |", vec![5]),
        (Kind::Heading, "Setext", vec![]),
    ];
    let want: Vec<_> = want.into_iter().map(|(k, t, c)| (k, t.to_owned(), c)).collect();
    assert_eq!(read(markdown), want);
    let article = parse(markdown);
    let at = |i: usize| &markdown[article.sentences[i].span.start..article.sentences[i].span.end];
    assert_eq!(at(3), "an item [S1]");
    assert_eq!(at(6), "“A. B.”\n> — *T* [S3]");
    assert_eq!(at(9), "| c. D | e [S5] |");
    let paragraphs: Vec<usize> = article.sentences.iter().map(|s| s.paragraph).collect();
    assert_eq!(paragraphs, [0, 1, 1, 2, 3, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn abbreviations_and_numbers_do_not_end_a_sentence() {
    let text = "D. Richard Hipp wrote it, e.g. for the U.S. Navy, in version 3.46.1 (approx. 1.5 MB).";
    assert_eq!(read(text), [prose(text, &[])]);
}
