//! Words and shapes that give a text away as something else than an article.

use std::ops::Range;

use crate::patterns::{Pattern, pattern};

/// Tokens of chat templates, the label of the answering side, tags of thinking.
pub(crate) static SPECIAL: Pattern = Pattern::new(|| {
    pattern(concat!(
        r"<\|[^|<>\n]{1,40}\|>|</s>\s*\z|\A\s*<s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_(?:turn|text)>|<(?:bos|eos|pad|unk)>|<｜[^｜<>\n]{1,60}｜>|</?think(?:ing)?>|",
        r"(?mi:^(?:#{1,4} ?)?(?:ai )?assistant\s?:)|(?mi:^#{1,4} ?(?:instruction|response|input|system)s?:?\s*$)"
    ))
});
/// The labels of the other sides: in an answer they go on with a talk that nobody had.
pub(crate) static LABEL: Pattern =
    Pattern::new(|| pattern(r"(?m)^(?:#{1,4} ?)?(?:User|Human|System|USER|HUMAN|SYSTEM)\s?:"));

/// A place that nobody filled in.
pub(crate) static TEMPLATE: Pattern = Pattern::new(|| {
    pattern(concat!(
        r"(?i:\[(?:insert|your|placeholder|name of|company name|product name|topic here|date here|link here|citation needed|source needed|todo)\b[^\]\n]{0,80}\])|",
        r"(?i:<(?:insert|your|placeholder)\b[^>\n]{0,60}>)|\{\{[^\n]{0,80}|\{%[^\n]{0,80}|(?i:lorem ipsum)|\bTODO\b(?:[:\-(\].]|\s*$)|\b(?:TBD|FIXME)\b"
    ))
});

/// `[insert …]` with a target behind it is a link.
pub(crate) fn is_link(text: &str, found: &Range<usize>) -> bool {
    text[found.start..].starts_with('[') && text[found.end..].starts_with('(')
}

/// A program's failure in the place of prose.
pub(crate) static ERROR: Pattern = Pattern::new(|| {
    pattern(concat!(
        r"(?i:\A\s*(?:\w*error|exception|fatal)\b\s*:)|(?mi:^\s*(?:error|fatal|exception)\s*:)|Traceback \(most recent call last\)|",
        r"(?mi:^\s*(?:HTTP(?:/\d(?:\.\d)?)?|error|status(?: code)?)\s+[45]\d\d\b\s*(?:$|[:–-]|internal|bad|service|not found|forbidden|too many|unauthori|gateway))|",
        r"(?mi:^\s*[45]\d\d (?:internal server error|bad gateway|service unavailable|not found|forbidden|too many requests|unauthorized|gateway timeout))|",
        r"(?mi:^\W*(?:rate limit exceeded|internal server error|bad gateway|service unavailable)\W*$)|(?mi:^thread '[^'\n]*' panicked at)|",
        r#"(?i:\{\s*"(?:error|message|code|detail)"\s*:)"#
    ))
});
/// JSON or HTML in the place of prose.
pub(crate) static DATA: Pattern = Pattern::new(|| {
    pattern(
        r#"(?i)\A\s*(?:\{\s*(?:"[^"\n]*"\s*:|\})|\[\s*[{"]|<!doctype\b|<\?xml\b|<(?:html|head|body|div|p|span|article|section|h[1-6])\b[^>]*>)"#,
    )
});

/// A model that speaks of itself instead of the topic.
pub(crate) static REFUSAL: Pattern = Pattern::new(|| {
    pattern(concat!(
        r"(?i)\bas an? (?:ai|artificial intelligence|(?:large |ai )?language model|ai (?:assistant|model|system))\b[^.\n]{0,40}\b(?:i|i['’]m|my)\b|",
        r"\bi(?:['’]m| am) (?:just |only )?an? (?:ai|(?:large |ai )?language model|virtual assistant)\b|",
        r"\bi(?:['’]m| am) (?:sorry|afraid|unable|not able)\b[^.\n]{0,40}\b(?:assist|help (?:you )?with (?:that|this)|fulfil|fulfill|comply|access|browse|rewrite)\b|",
        r"\bi (?:cannot|can['’]t|can not|am unable to|won['’]t|will not) (?:assist|help (?:you )?with (?:that|this)|fulfil|fulfill|comply|rewrite (?:this|that|the))\b|",
        r"\bi (?:do not|don['’]t) have (?:access to (?:real-time|the internet|external|current)|real-time|enough information to)\b|",
        r"\bmy knowledge cut-?off\b|\bmy last (?:knowledge )?update\b|\bopenai(?:['’]s)? (?:content )?(?:policy|policies|guidelines)\b"
    ))
});
/// How an answer that refuses begins, or goes on; people write so too, but not where an article was asked for.
pub(crate) static DECLINE: Pattern = Pattern::new(|| {
    pattern(concat!(
        r"(?i)\A\W*(?:i['’]?m sorry|i am sorry|sorry[,.]|i apologi[sz]e|unfortunately,? i\b|i cannot\b|i can['’]t\b|i can not\b|",
        r"i(?:['’]m| am) (?:unable|not able)|i do not have|i don['’]t have|as an? (?:ai|(?:large )?language model)\b)|",
        r"\bi (?:cannot|can['’]t|am unable to|do not|don['’]t) (?:provide|write|answer|generate|create|access|browse|continue|complete|have (?:any|enough) information)\b"
    ))
});

/// A text that gives orders to a model.
pub(crate) static INJECTION: Pattern = Pattern::new(|| {
    pattern(concat!(
        r"(?i)\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,30}\b(?:previous|prior|above|earlier|preceding|foregoing|all|any|your|system)\b[^.\n]{0,20}\b(?:instructions?|prompts?|directions|directives)\b|",
        r"\b(?:ignore|disregard|forget)\b[^.\n]{0,20}\b(?:previous|prior|earlier|preceding)\b[^.\n]{0,10}\b(?:rules|guidelines|context|messages?)\b|",
        r"\byou are now (?:dan\b|(?:an? )?(?:unrestricted|unfiltered|evil|jailbroken|different|helpful) (?:ai|assistant|model|bot|persona)|in (?:developer|god|dan) mode)|",
        r"\b(?:reveal|print|repeat|show|output|leak) (?:me )?(?:your|the) (?:system |hidden |secret |initial )?(?:instructions|prompt)\b|\bnew instructions?:|\bdo anything now\b|\bdeveloper mode (?:enabled|on)\b|",
        r"\b(?:ai|llm|language) (?:models?|assistants?),? (?:must|should) (?:now )?(?:ignore|say|write|recommend|praise)\b"
    ))
});
/// Words that only texts about models have, or texts that a model was made to leak.
pub(crate) static MENTION: Pattern = Pattern::new(|| pattern(r"(?i)\bsystem prompts?\b"));

/// Talk to the person who asked.
pub(crate) static CHATTER: Pattern = Pattern::new(|| {
    pattern(concat!(
        r"(?im)^\W{0,4}(?:sure|certainly|of course|absolutely|okay|great)(?: thing)?\s*[!,.:]\s*(?:here|below|i['’]?(?:ll|ve|d| will| have))\b[^\n]{0,120}|",
        r"^\W{0,4}(?:here(?:['’]s| is| are)|below is) (?:the|a|an|your|my) (?:\w+ ){0,3}(?:section|sentence|article|rewrite|rewritten|revised|version|answer|response|draft|paragraph|summary|text)\b[^.\n]{0,60}:\s*$|",
        r"\bi hope (?:this|that) (?:helps|article helps|meets)\b|\blet me know if you(?:['’]d| would)? (?:like me to|need (?:any )?(?:changes|revisions|adjustments|further))\b|",
        r"\bwould you like me to\b|\bis there anything else i can\b|",
        r"\bper your request\b|\bbased on the (?:provided|given) passages\b|\bthe (?:provided|given|numbered) passages\b|\baccording to (?:the )?passages\b"
    ))
});
