//! Words that turn a sentence round when one stands for the other.

use std::collections::BTreeSet;

use super::evidence::{Evidence, Line};
use crate::words::{content_words, stem, tokens};

/// Pairs of opposites.
const OPPOSITES: &str = "more/fewer more/less most/least before/after always/never faster/slower fast/slow larger/smaller bigger/smaller
    largest/smallest large/small higher/lower high/low highest/lowest increased/decreased increase/decrease increases/decreases rose/fell
    rises/falls up/down oldest/newest older/newer public/private possible/impossible allowed/forbidden legal/illegal safe/unsafe
    open/closed above/below maximum/minimum gained/lost succeeded/failed better/worse best/worst longer/shorter longest/shortest
    early/late earlier/later strong/weak cheap/expensive cheaper/dearer hot/cold north/south east/west northern/southern
    eastern/western left/right male/female buy/sell bought/sold import/export imports/exports rigid/flexible temporary/permanent
    required/optional mandatory/optional enabled/disabled internal/external synchronous/asynchronous readers/writers reader/writer
    first/last died/survived dies/survives die/survive born/died soft/hard wet/dry full/empty dissolves/sets hardens/softens began/ended
    begins/ends start/end win/lose won/lost wins/loses built/destroyed alive/dead light/dark light/heavy rich/poor young/old same/different
    day/night morning/evening summer/winter accept/reject accepted/rejected add/remove added/removed arrived/left entered/left husband/wife";

/// An opposite counts only where the most similar sentence has it, and no cited sentence has the claim's own word.
pub(super) fn check(folded: &str, evidence: &Evidence) -> Result<(), String> {
    let claimed = tokens(folded);
    let words: BTreeSet<String> = content_words(folded).iter().map(|w| stem(w)).collect();
    let shared = |l: &Line| l.stems.intersection(&words).count();
    let Some(line) =
        evidence.lines.iter().max_by_key(|l| shared(l)).filter(|l| shared(l) * 2 >= words.len().max(1))
    else {
        return Ok(());
    };
    let pairs = OPPOSITES.split_whitespace().filter_map(|p| p.split_once('/'));
    for (a, b) in pairs.flat_map(|(a, b)| [(a, b), (b, a)]) {
        let says = |w: &str| claimed.iter().any(|c| c == w);
        if says(a) && !says(b) && line.words.contains(b) && !evidence.words.contains(a) {
            return Err(format!("it says “{a}” where the cited passage says “{b}”: “{}”", line.folded));
        }
    }
    Ok(())
}
