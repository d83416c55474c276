//! Which language a text is in, as far as can be told.

use whatlang::Lang;

use crate::words::tokens;

/// Fewer letters tell too little.
pub(crate) const MIN_LETTERS: usize = 60;
/// In English prose at least every eighth word is one of [`ENGLISH`].
const ENGLISH_SHARE: f32 = 0.12;
/// In other languages hardly any is.
const FOREIGN_SHARE: f32 = 0.05;
/// Words that are English, frequent, and not words of its neighbours.
const ENGLISH: [&str; 44] = [
    "the", "of", "and", "is", "are", "was", "were", "to", "with", "for", "that", "this", "these", "from",
    "by", "which", "it", "its", "has", "have", "had", "be", "been", "than", "but", "or", "they", "their",
    "when", "where", "can", "will", "not", "who", "how", "what", "would", "only", "one", "each", "other",
    "because", "while", "without",
];
/// Words that are frequent in one of the other languages of Western Europe, and not English.
const FOREIGN: [&str; 54] = [
    "der", "das", "und", "ist", "nicht", "ein", "eine", "einen", "mit", "auf", "sich", "werden", "von", "le",
    "les", "des", "est", "une", "dans", "pour", "qui", "que", "el", "los", "las", "una", "por", "con", "del",
    "il", "di", "che", "per", "non", "della", "uma", "não", "com", "para", "het", "een", "van", "niet",
    "och", "att", "som", "är", "av", "og", "ikke", "på", "til", "det", "els",
];

/// The languages that [`FOREIGN`] has words of, and Latin.
const WESTERN: [Lang; 11] = [
    Lang::Deu,
    Lang::Fra,
    Lang::Spa,
    Lang::Ita,
    Lang::Por,
    Lang::Nld,
    Lang::Swe,
    Lang::Dan,
    Lang::Nob,
    Lang::Cat,
    Lang::Lat,
];

/// What is known of a text's language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    /// Another one, by its English name.
    Other(String),
    /// Too short, or not clear.
    Unknown,
}

/// The language of prose without markup. Names and technical words mislead statistics of letters, so frequent
/// words have the first say.
pub(crate) fn language(text: &str) -> Language {
    if text.chars().filter(|c| c.is_alphabetic()).count() < MIN_LETTERS {
        return Language::Unknown;
    }
    let words = tokens(text);
    let count = |list: &[&str]| words.iter().filter(|w| list.contains(&w.as_str())).count();
    let share = count(&ENGLISH) as f32 / words.len().max(1) as f32;
    if share >= ENGLISH_SHARE {
        return Language::English;
    }
    match whatlang::detect(text) {
        Some(info) if info.lang() == Lang::Eng => Language::English,
        Some(info) if share < FOREIGN_SHARE => {
            // Lists of technical words look like any language of Western Europe, so those must show their own words.
            let foreign = count(&FOREIGN) >= 2
                || info.script() != whatlang::Script::Latin
                || (info.is_reliable() && !WESTERN.contains(&info.lang()));
            if foreign { Language::Other(info.lang().eng_name().to_owned()) } else { Language::Unknown }
        }
        _ => Language::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_is_told_from_other_languages() {
        for text in [
            "SQLite supports joins, subqueries, views, triggers, common table expressions and window functions in one small file.",
            "Airbus, Firefox, Chrome, Safari, Android and iPhone all use SQLite databases for a part of the data they hold.",
        ] {
            assert_eq!(language(text), Language::English, "{text}");
        }
        for text in [
            "SQLite ist eine kleine Bibliothek, die eine Datenbank in einer einzigen Datei speichert und keinen Server braucht.",
            "SQLite est une petite bibliothèque qui range une base de données dans un seul fichier et n’a pas besoin de serveur.",
            "SQLite es una biblioteca pequeña que guarda una base de datos en un solo archivo y no necesita ningún servidor.",
            "这是一个关于数据库的句子。数据库是一个小型的库，它不需要服务器，也不需要管理员来安装或配置任何东西。它把所有的数据都保存在一个文件里面，用户可以复制。",
        ] {
            assert!(matches!(language(text), Language::Other(_)), "{text}");
        }
        assert_eq!(language("Kurz und gut."), Language::Unknown);
    }
}
