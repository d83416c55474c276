//! More claims, on other topics than databases.

use cofounder_domain::{Passage, Verdict};
use cofounder_qa::{Rules, check_claim, supported};

use crate::claims::passage;

const WHALE: &str = "The blue whale is the largest animal known to have existed. An adult can reach 29.9 metres and weigh up to 199 tonnes. Its heart weighs about 180 kg, and its calls can be heard over hundreds of kilometres.";
const KRILL: &str = "Blue whales feed almost exclusively on krill. In summer a single whale eats up to 3.6 tonnes of krill a day. They do not have teeth; plates of baleen filter the water.";
const COFFEE: &str = "Brazil produced 3.8 million tonnes of coffee in 2022, more than any other country. Vietnam came second with 1.95 million tonnes, while Colombia, once the runner-up, harvested 665,000 tonnes.";
const CURIE: &str = "Marie Curie was born in Warsaw on 7 November 1867. She shared the 1903 Nobel Prize in Physics with Pierre Curie and Henri Becquerel. In 1911 she won the Nobel Prize in Chemistry alone.";
const STUDY: &str = "The trial enrolled 1,204 patients between March 2018 and June 2020. Mortality fell from 12% to 8.5% in the treatment group (p = 0.03), but it did not change in the placebo group. No serious side effects were reported.";
const COMPANY: &str = "Acme Corp. reported revenue of $4.2 billion for the third quarter, up 7 percent from a year earlier. Chief executive Jane Smith said that “the company does not plan any layoffs this year.” Globex acquired Initech in 2019 for €350m.";
const TEA: &str = "Green tea should be brewed with water of 70–80 °C for two to three minutes. Black tea takes boiling water and three to five minutes. Both come from the leaves of Camellia sinensis.";
const TRAM: &str = "In 2019 the library moved into a former tram depot beside the river. A card costs nothing for people under 18 and 20 euros a year for everybody else.";

const TOWERS: &str = "Henry Winstanley began the first tower in 1696 and lit it on 14 November 1698. It was destroyed in the Great Storm of 27 November 1703, and Winstanley died with it. Smeaton's tower was 18 metres high and was lit on 16 October 1759. It was replaced in 1882 because the rock under it was wearing away.";
const KEEPERS: &str =
    "Smeaton's lantern held 24 candles, each weighing two fifths of a pound. The lantern was lit by keepers.";

const FALSE: &[(&str, &[&str], &str)] = &[
    ("Smeaton's tower was lit on 16 October 1882.", &[TOWERS], "numbers"),
    ("Winstanley survived the Great Storm of 27 November 1703.", &[TOWERS], "support"),
    ("Smeaton's lantern held fewer than 24 candles.", &[KEEPERS], "numbers"),
    ("The blue whale can reach 29.9 feet in length.", &[WHALE], "numbers"),
    ("A blue whale weighs up to 180 tonnes.", &[WHALE], "numbers"),
    ("Its heart weighs about 199 kg.", &[WHALE], "numbers"),
    ("Its calls can be heard over thousands of kilometres.", &[WHALE], "numbers"),
    ("The blue whale is the smallest animal known to have existed.", &[WHALE], "support"),
    ("Blue whales have teeth.", &[KRILL], "support"),
    ("A whale eats up to 36 tonnes of krill a day.", &[KRILL], "numbers"),
    ("A whale eats up to 3.6 tonnes of krill a week.", &[KRILL], "numbers"),
    ("Brazil produced 1.95 million tonnes of coffee.", &[COFFEE], "numbers"),
    ("Vietnam produced 3.8 million tonnes of coffee in 2022.", &[COFFEE], "numbers"),
    ("Brazil produced 3.8 billion tonnes of coffee in 2022.", &[COFFEE], "numbers"),
    ("Ethiopia produced more coffee than any other country.", &[COFFEE], "names"),
    ("Colombia harvested 665 tonnes.", &[COFFEE], "numbers"),
    ("Marie Curie was born in Krakow in 1867.", &[CURIE], "names"),
    ("Marie Curie was born on 8 November 1867.", &[CURIE], "numbers"),
    ("Marie Curie was born on 7 December 1867.", &[CURIE], "numbers"),
    ("In 1903 she won the Nobel Prize in Chemistry.", &[CURIE], "numbers"),
    ("Marie Becquerel was born in Warsaw.", &[CURIE], "names"),
    ("The trial enrolled 1,240 patients.", &[STUDY], "numbers"),
    ("The trial enrolled 12,04 patients.", &[STUDY], "numbers"),
    ("Mortality fell from 8.5% to 12% in the treatment group.", &[STUDY], "numbers"),
    ("Mortality changed in the placebo group.", &[STUDY], "support"),
    ("Serious side effects were reported.", &[STUDY], "support"),
    ("The trial ran between March 2018 and July 2020.", &[STUDY], "numbers"),
    ("Acme reported revenue of $4.2 million for the third quarter.", &[COMPANY], "numbers"),
    ("Acme reported revenue of €4.2 billion.", &[COMPANY], "numbers"),
    ("Initech acquired Globex in 2019.", &[COMPANY], "names"),
    ("Globex acquired Acme in 2019.", &[COMPANY], "names"),
    ("The company plans layoffs this year, said Jane Smith.", &[COMPANY], "support"),
    ("Jane Smith said that “the company does plan layoffs this year.”", &[COMPANY], "quote"),
    ("Chief executive John Smith said so.", &[COMPANY], "names"),
    ("Green tea takes boiling water.", &[TEA], "support"),
    ("Green tea needs water of 80–90 °C.", &[TEA], "numbers"),
    ("Green tea should be brewed for two to three hours.", &[TEA], "numbers"),
    ("Blue whales do not feed almost exclusively on krill.", &[KRILL], "support"),
    ("Both do not come from the leaves of Camellia sinensis.", &[TEA], "support"),
    ("The company does plan any layoffs this year.", &[COMPANY], "support"),
    ("A card costs 18 euros a year.", &[TRAM], "numbers"),
    ("The library moved into a former tram depot in 2018.", &[TRAM], "numbers"),
];

const TRUE: &[(&str, &[&str])] = &[
    ("Lit on November 14, 1698, the first tower was the work of Henry Winstanley.", &[TOWERS]),
    ("The tower of Smeaton was first lit on 16 October 1759.", &[TOWERS]),
    ("No larger animal than the blue whale is known to have existed.", &[WHALE]),
    ("Adult blue whales grow to 29.9 m and 199 tonnes.", &[WHALE]),
    ("The whale's heart alone weighs some 180 kilograms.", &[WHALE]),
    ("People hear its calls over hundreds of kilometres.", &[WHALE]),
    ("Krill is nearly all that blue whales eat, up to 3.6 tonnes a day in summer.", &[KRILL]),
    ("Blue whales are toothless and filter the water with plates of baleen.", &[KRILL]),
    ("Instead of teeth, blue whales have plates of baleen that filter the water.", &[KRILL]),
    (
        "In 2022 Brazil’s coffee production reached 3.8 million tonnes, ahead of Vietnam with 1.95 million tonnes.",
        &[COFFEE],
    ),
    ("With 3,800,000 tonnes in 2022, Brazil produced more coffee than any other country.", &[COFFEE]),
    ("Colombia harvested 665 thousand tonnes.", &[COFFEE]),
    ("Born in Warsaw in November 1867, Marie Curie won the Nobel Prize in Chemistry in 1911.", &[CURIE]),
    (
        "Marie Curie shared the Nobel Prize in Physics in 1903 and won the Nobel Prize in Chemistry in 1911.",
        &[CURIE],
    ),
    ("Henri Becquerel and the Curies shared the Nobel Prize in Physics in 1903.", &[CURIE]),
    ("1204 patients were enrolled in the trial from March 2018 to June 2020.", &[STUDY]),
    ("In the treatment group, mortality fell from 12 percent to 8.5 percent.", &[STUDY]),
    ("Mortality stayed unchanged in the placebo group.", &[STUDY]),
    ("The trial reported no serious side effects.", &[STUDY]),
    ("Acme's third-quarter revenue rose 7% to $4.2 billion.", &[COMPANY]),
    ("Initech was acquired by Globex in 2019 for 350 million euros.", &[COMPANY]),
    ("“The company does not plan any layoffs this year,” said chief executive Jane Smith.", &[COMPANY]),
    ("According to Jane Smith, Acme plans no layoffs this year.", &[COMPANY]),
    ("For green tea, water of 70 to 80 degrees Celsius and 2–3 minutes are right.", &[TEA]),
    ("Both teas come from the leaves of Camellia sinensis.", &[TEA]),
    ("People under 18 pay nothing for a card; everybody else pays 20 euros a year.", &[TRAM]),
    ("The library has been in a former tram depot by the river since 2019.", &[TRAM]),
];

fn failures(claim: &str, passages: &[&str]) -> (bool, Vec<String>) {
    let passages: Vec<Passage> = passages.iter().enumerate().map(|(i, t)| passage(i as u32 + 1, t)).collect();
    let checks = check_claim(claim, &passages.iter().collect::<Vec<_>>(), &Rules::default());
    let failed = checks
        .iter()
        .filter(|c| c.verdict != Verdict::Pass)
        .map(|c| format!("{}: {}", c.name, c.reason))
        .collect();
    (supported(&checks), failed)
}

#[test]
fn wrong_details_are_found_on_any_topic() {
    let missed: Vec<_> = FALSE
        .iter()
        .map(|(c, p, check)| (c, check, failures(c, p)))
        .filter(|(_, check, (_, failed))| !failed.iter().any(|f| f.starts_with(**check)))
        .collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn reworded_facts_pass_on_any_topic() {
    let wrong: Vec<_> =
        TRUE.iter().map(|(c, p)| (c, failures(c, p))).filter(|(_, (supported, _))| !supported).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
