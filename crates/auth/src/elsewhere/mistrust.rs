//! Why what a provider said is not believed.

/// Why an ID token, or what came with it, is not believed. For the log, and for whoever set the provider up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Mistrust {
    /// It is none.
    #[error("it is no signed token")]
    Malformed,
    /// `none`, one that a public key can sign with, or one that is not known here.
    #[error("it is signed by an algorithm that is not taken")]
    Algorithm,
    /// The issuer publishes no key that it names, or more than one.
    #[error("it names no key that its issuer publishes")]
    NoKey,
    /// It was made by another.
    #[error("its signature is not valid")]
    Signature,
    /// `iss` is another.
    #[error("it was issued by another")]
    Issuer,
    /// `aud` does not name this program, or names others and `azp` does not.
    #[error("it was issued for another program")]
    Audience,
    /// There is no `exp`.
    #[error("it has no end (`exp`)")]
    NoEnd,
    /// Its time is over.
    #[error("its time is over")]
    Expired,
    /// Its time has not come yet, or it says nothing of when it was issued.
    #[error("it is not valid yet, or does not say since when it is (`iat`)")]
    NotYet,
    /// `nonce` is missing or another: it was issued for another sign-in.
    #[error("it was issued for another sign-in (`nonce`)")]
    Nonce,
    /// There is no `sub`, or one that can be nobody's.
    #[error("it does not say whose it is (`sub`)")]
    Subject,
    /// `at_hash` is of another access token.
    #[error("it belongs to another access token (`at_hash`)")]
    AccessToken,
    /// The access token's time was over before it could be used.
    #[error("the access token's time was over before it could be used")]
    AccessExpired,
    /// The access token is of a kind that is not used here.
    #[error("the access token is no bearer token")]
    TokenType,
}
