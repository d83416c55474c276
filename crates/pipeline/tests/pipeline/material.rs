//! What the tests write about: facts as a source says them, and as a good writer would.

/// What the briefs ask for.
pub(crate) const TOPIC: &str = "The Linden tide mill";

/// A sentence of the source, and a sound one that says the same in other words.
pub(crate) struct Fact {
    /// The heading it stands under.
    pub(crate) heading: &'static str,
    /// As the source has it.
    pub(crate) source: &'static str,
    /// As a good writer says it.
    pub(crate) reworded: &'static str,
}

const fn fact(heading: &'static str, source: &'static str, reworded: &'static str) -> Fact {
    Fact { heading, source, reworded }
}

/// The headings of the source, in order.
pub(crate) const HEADINGS: [&str; 3] = [WORK, HISTORY, TODAY];
/// The first heading.
pub(crate) const WORK: &str = "Work with the tide";
/// The second.
pub(crate) const HISTORY: &str = "History of the building";
/// The third.
pub(crate) const TODAY: &str = "Visitors and volunteers";

/// Everything that the source says.
pub(crate) const FACTS: [Fact; 12] = [
    fact(
        WORK,
        "The mill stands on a dam across the creek and has a pond of nine hectares behind it.",
        "Behind a dam across the creek lies the pond of the mill, which has nine hectares.",
    ),
    fact(
        WORK,
        "Sea water pushes the gates open and fills the pond when the tide rises.",
        "When the tide rises, the gates are pushed open by sea water and the pond fills.",
    ),
    fact(
        WORK,
        "The gates close without help at high water because the pond presses against them.",
        "Because the pond presses against the gates, they close at high water without help.",
    ),
    fact(
        WORK,
        "The miller waits about three hours until the creek is low enough and opens the sluice.",
        "About three hours later, once the creek is low enough, the miller opens the sluice.",
    ),
    fact(
        HISTORY,
        "Monks of the abbey of Saint Osyth built the first mill on this site in 1132.",
        "The first mill on this site was built in 1132 by monks of the abbey of Saint Osyth.",
    ),
    fact(
        HISTORY,
        "A storm destroyed that building in 1487, and the present one was finished in 1503.",
        "The present building was finished in 1503, as a storm destroyed the first one in 1487.",
    ),
    fact(
        HISTORY,
        "Trade ended in 1957 when the main bearing of the wheel broke.",
        "When the main bearing of the wheel broke in 1957, the trade ended.",
    ),
    fact(
        HISTORY,
        "A local trust bought the mill for 4,200 pounds in 1968 and repaired it within six years.",
        "In 1968 a local trust bought the mill, paid 4,200 pounds and repaired it within six years.",
    ),
    fact(
        TODAY,
        "Volunteers grind wheat on two days a week from April to October.",
        "From April to October, volunteers grind wheat on two days a week.",
    ),
    fact(
        TODAY,
        "The wheel turns at six revolutions a minute and drives two pairs of stones.",
        "Two pairs of stones are driven by the wheel, which turns at six revolutions a minute.",
    ),
    fact(
        TODAY,
        "About 11,000 people visited the mill in the year 2023.",
        "In the year 2023, about 11,000 people visited the mill.",
    ),
    fact(
        TODAY,
        "Flour is sold at the door since the law does not let the trust deliver it to shops.",
        "Since the law does not let the trust deliver flour to shops, it is sold at the door.",
    ),
];

/// The facts under a heading; all of them if there is no such heading.
pub(crate) fn facts(heading: &str) -> Vec<&'static Fact> {
    let under: Vec<&Fact> = FACTS.iter().filter(|f| f.heading == heading).collect();
    if under.is_empty() { FACTS.iter().collect() } else { under }
}

/// The source as a Markdown file.
pub(crate) fn source() -> String {
    let sections = HEADINGS.map(|heading| {
        let text: Vec<&str> = facts(heading).into_iter().map(|f| f.source).collect();
        format!("## {heading}\n\n{}\n", text.join(" "))
    });
    format!("# Guide to the Linden mill\n\n{}", sections.join("\n"))
}
