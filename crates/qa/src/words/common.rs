//! Words that open English sentences and are no names although they have a capital there.

use std::{collections::HashSet, sync::LazyLock};

use super::{is_stop, stem};

const COMMON: &str = "
ability able about absence abstract access accident account accuracy act action active actual add address administrator admin
advantage advice age aim air alarm alone alternative amount analysis analyst ancient animal answer app appeal appear
application approach april archive area argument army arrange arrival arrow art article ask aspect assume attack attempt
attention audience august author autumn available average avoid award aware baby back bad balance ball band bank bar base basic
battle beach bear beauty become bed begin behaviour behavior behind belief best better beyond big bigger bill bird black blame
block blog blood blue board boat body book border bottom box boy branch brand bread break bridge brief bright bring broad brother
browser budget buffer bug build building bus business busy button buy byte cache call camera camp capacity capital car card care
career case cash cat category cause cell central century chain chair challenge chance change chapter character charge chart
check chief child children choice choose church circle citizen city class classic clause clean clear client climate clock close
cloud club coast code coffee cold collect college colour color column come command comment commercial commit common community
company compare competition compiler complete complex computer concept concern concurrency condition conference configuration
connection consider constant consumer contact content context contract control convert copy core corner correct cost count
country couple course court cover crash create credit crew crime critic crop cross crowd culture current curve custom customer
cycle daily damage danger dark data database date daughter day dead deal death debate debt decade decide decision deep default
defence defense degree delay delete demand depth describe design desk desktop detail developer device diagram diet difference
different difficult digital dinner direct director disc disk discuss disease display distance district document dog dollar door
double doubt draft dream dress drink drive driver drop drug dry due dust duty early ear earth east easy economy edge edit
editor effect effort eight eighteen eighth eighty electric element eleven embed emerge employ employee empty end enemy energy
engine engineer enough enter entire entry environment equal error escape estimate evening event eventually evidence exact example
except exception exchange exclude exercise existing expect expensive experience expert explain export express extend extension
external extra extreme eye face fact factor factory fail fair faith fall false familiar family famous far farm farmer fashion fast
faster father fault fear feature federal feel fellow female few field fifteen fifth fifty fight figure file fill film final
finally finance find finding fine finger finish fire firm first fish fit five fix flash flat fleet flexible flight floor flow
flower fly focus folder follow food foot force foreign forest forget form formal former forty forward foundation founder four
fourteen fourth fox frame free freedom freeze frequent fresh friend front fruit fuel full fun function fund further future gain
game gap garden gas gate gather general generally generation gentle get giant gift girl give glass global goal gold good
govern government grand grant graph great greater green ground group grow growth guard guess guest guide guy habit hair half hall
hand handle happen happy hard hardware hat head health hear heart heat heavy height hello help helpful high higher highest hill
hire historian history hit hold hole holiday home honest hope horse hospital host hot hotel hour house huge human hundred hundreds hurt
husband ice idea ideal identify image imagine impact import important improve inch include income increase index indexes indices industry
influence inform information initial initially inner input insert inside install installation instance instant instead
insurance integer intend interest interface internal internet introduce invest island issue item january february march may june
july september october november december job join joint joke journal journey judge jump junior just keep kernel key keyboard keyword
kid kind king kitchen know knowledge known label labour labor lack lady lake land language large larger largest last late
later latest laugh launch law lawyer lay layer lead leader leaf league lean learn least leave lecture left leg legal length less
lesson letter level liberal library licence license lie life lift light like limit line link liquid list listen literature little
live load loan local locale location lock log long longer look loop loose lose loss lot loud love low lower luck lunch machine
magazine mail main maintain major make male man manage manager manual manufacturer map mark market marriage mass master match
material matter maximum maybe meal mean meaning means measure meat media medical medium meet member memory men mention menu merely merge
message metal method middle midnight migrate mild mile military milk million millions mind mine minimum minor minute mirror miss missing
mission mistake mix mobile mode model modern modest module moment money month moon moral morning mother motion motor mountain
mouse mouth move movement movie multiple museum music mutual name narrow nation national native natural nature near nearby nearly necessary neck
need negative neighbour network never new newer news newspaper next nice night nine nineteen ninth ninety nobody node noise
normal normally north nose notable notably note notice notion novel null number numerous nurse object observe obvious obviously ocean
offer office officer official often oil okay old older oldest open opera operate operator opinion opposite option orange order
ordinary organ origin original originally outcome outer output outside overall overhead owner pace pack package page pain paint
pair panel paper parallel parent park parser part particular particularly partly partner party pass passage passenger past patch path
patience patient pattern pause pay peace peak people percent perfect perform perfect perhaps period permanent permission person personal
phase phone photo phrase physical piano pick picture piece pilot pin pipe place plain plan plane planet plant plastic plate
platform play player please plenty plug plus pocket poem poet point police policy political politics pool poor popular
population port portable position positive possible possibly post pot potential pound power practical practice pragma praise
precise precisely prefer prefix prepare prepared present president press pressure pretty prevent previous previously price pride primary
prime prince principle print prior prison private prize problem procedure proceed process produce product profession professor
profit program programme programmer progress project promise proof proper properly property proposal protect protocol proud prove provide
public publish pull pump purchase pure purpose push quality quarter queen query question quick quickly quiet quiz quote race radio
rail rain raise random range rank rapid rare rarely rate raw reach read reader ready real reality really rear reason recall receive recent
recently recipe record recover red reduce refer reflect reform refuse regard regardless region register regular regularly
reject relate relative relatively release reliable relief religion remain remember remote remove rent repair repeat replace reply report
represent request require research researcher reserve resident resource respect respond response rest restaurant restore result
return revenue reverse review reward rich ride right ring rise risk river road robot rock role roll rollback room root rough
roughly round route routine row royal rule run rural rush sad safe safety sale salt sample sand save scale scan scene schedule schema scheme
school science scientist scope score screen script sea search season seat second secret section sector secure security see seed
seek select sell semantic send senior sense sensible sentence separate sequence series serious seriously serve server service session set setting
settle setup seven seventeen seventh seventy severe shape share sharp shell shift ship shirt shock shoe shoot shop short
shortly shot show shut sick side sight sign signal significant silent silver similar similarly simple simpler simply single sister site
situation six sixteen sixth sixty size skill skin sky sleep slide slight slightly slow slower slowly small smaller smallest smart smooth
snow social society soft software soil soldier solid solution solve somebody somehow someone somewhat son song soon sort sound
source south space spare speak special specific specifically speech speed spend spirit split sport spread spring square stable
stack staff stage stand standard star start state statement static station status stay steady steel step stick stone stop storage store
storm story straight strange strategy stream street strength stress strict strike string strong structure student studio study
stuff style subject submit subset success successful such sudden suddenly suffer sugar suggest suit sum summer sun supply support suppose supreme
sure surely surface surprise survey survive suspect swap sweet swim switch symbol sync syntax system table tail take talk tall tank tape target
task taste tax tea teach teacher team tear technical technique technology teen telephone television tell temperature temporary ten tend
tenth term test text thank thanks theatre theme theory thick thin thing think third thirty thirteen thought thousand thousands threat three
threshold throughout throw thumb ticket tie tight time timeout tiny tip tired title together toilet token tomorrow tone tonight tool
tooth top topic total totally touch tough tour tourist tower town toy trace track trade tradition traffic train transaction transfer
transform translate transport travel treat tree trend trial trick trigger trip trouble truck true truly trust truth try tube
tune turn twelve twelfth twenty twice twin two type typical typically ultimately unable under understand unfortunately uniform unique unit
universal universe university unknown unlike unlikely unusual update upgrade upper upset urban urgent usage use used useful user using
usual usually utility vacuum valid valley value variable variety various vast vector vehicle vendor version versus very victim video
view views village violence virtual virtually virtue visible vision visit visitor visual vital voice volume vote wage wait wake walk wall want
war warm warn wash waste watch water wave weak wealth wear weather web website wedding week weekend weekly weight welcome west wet
wheel white whole whose wide wife wild win wind window wine wing winner winter wire wise wish withdraw witness woman women wonder wood word
work worker workload world worry worse worst worth wrap write writer writing wrong yard yeah year yellow yes yesterday young zero zone
unsurprisingly regardless nonetheless nevertheless besides despite afterwards beforehand elsewhere everywhere nowadays altogether
according given provided assuming owing thanks compared unlike amid amidst beneath beside except inside outside past
admittedly apparently arguably basically briefly broadly certainly clearly consequently conversely crucially curiously
definitely essentially evidently explicitly finally firstly secondly thirdly lastly fortunately frankly hopefully ideally
implicitly importantly incidentally inevitably interestingly ironically likewise literally mainly mostly namely naturally
necessarily notably occasionally oddly ostensibly overall paradoxically perhaps possibly presumably primarily probably
regrettably remarkably reportedly respectively sadly seldom similarly simultaneously strictly subsequently supposedly
surprisingly tellingly theoretically together traditionally typically undoubtedly
";

static WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| COMMON.split_whitespace().collect());
static STEMS: LazyLock<HashSet<String>> = LazyLock::new(|| WORDS.iter().map(|w| stem(w)).collect());

/// Endings of words that are made from other words; few names have them.
const ENDINGS: [&str; 21] = [
    "ing", "ly", "tion", "tions", "sion", "sions", "ment", "ments", "ness", "ity", "ities", "able", "ible",
    "ists", "isms", "ances", "ences", "ful", "less", "ware", "wise",
];

/// Whether a word in lower case is an ordinary English word as far as can be told without a dictionary.
pub(crate) fn is_common(word: &str) -> bool {
    let made = word.len() > 5 && ENDINGS.iter().any(|e| word.ends_with(e));
    made || is_stop(word) || WORDS.contains(word) || STEMS.contains(&stem(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_words_are_told_from_names() {
        for word in
            ["the", "developers", "writing", "applications", "transactions", "users", "generally", "although"]
        {
            assert!(is_common(word), "{word}");
        }
        for word in ["sqlite", "oracle", "linus", "torvalds", "berlin", "google", "anna", "postgresql"] {
            assert!(!is_common(word), "{word}");
        }
    }
}
