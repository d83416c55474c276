//! Words that carry no meaning by themselves.

use std::{collections::HashSet, sync::LazyLock};

/// English function words, the verbs that name a source's saying, and words that hold sentences together.
const STOP: &str = "
a an the this that these those such same other another each every either neither both all any some few many much more most
several enough own certain
i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her hers herself it its
itself they them their theirs themselves one ones someone something anyone anything everyone everything nobody nothing who whom
whose which what whatever whoever where when why how whether there here
am is are was were be been being do does did done doing have has had having can could will would shall should may might must
ought isn't aren't wasn't weren't don't doesn't didn't haven't hasn't hadn't can't cannot couldn't won't wouldn't shan't
shouldn't mustn't it's that's there's what's let's i'm you're we're they're i've you've we've they've he'll she'll it'll
we'll they'll i'd you'd he'd she'd we'd they'd let
not no nor never none
and or but if then else so because since as while although though unless until till whereas yet
of at by for with about against between into through during before after above below to from up down in out on off over under
upon within without across along among around toward towards onto per via than like
again further once only just also too very quite rather even still already almost often usually always sometimes thus hence
therefore however moreover furthermore instead indeed meanwhile otherwise now today etc e.g i.e
says said say notes note noted puts put writes according states stated explains explained words way
";

static WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| STOP.split_whitespace().collect());

/// Whether a word in lower case is one of them.
pub(crate) fn is_stop(word: &str) -> bool {
    WORDS.contains(word)
}
