//! Which providers there are, and who may join by them.

use cofounder_domain::{Email, Role};
use secrecy::SecretString;
use url::Url;

use super::{
    github,
    outside::{self, Deadlines},
};

/// Where Google's issuer is.
const GOOGLE: &str = "https://accounts.google.com";
/// Where Microsoft's issuers are, one for each directory.
const MICROSOFT: &str = "https://login.microsoftonline.com";
/// Names that addresses below `/auth` have for something else.
const RESERVED: [&str; 2] = ["token", "providers"];

/// What a provider is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// GitHub, or GitHub Enterprise: OAuth, and its own API.
    GitHub {
        /// Where people sign in; github.com if absent.
        base_url: Option<Url>,
        /// Where its API is; the one that belongs to `base_url` if absent.
        api_url: Option<Url>,
    },
    /// Google.
    Google {
        /// Another issuer that behaves so.
        issuer: Option<Url>,
    },
    /// Microsoft.
    Microsoft {
        /// A directory's id or name, or `common`, `organizations` or `consumers`.
        tenant: String,
        /// Where its issuers are; Microsoft's own if absent.
        base_url: Option<Url>,
    },
    /// Any issuer of OpenID Connect.
    Issuer(Url),
}

/// A provider as it is configured.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// Its name in addresses: lower-case letters, digits and `-`.
    pub name: String,
    /// What it is.
    pub kind: ProviderKind,
    /// By which name it knows this program.
    pub client_id: String,
    /// How this program shows that it is that; absent for a public client of an issuer.
    pub client_secret: Option<SecretString>,
    /// How long it may take.
    pub deadlines: Deadlines,
}

/// Providers cannot be used as they are configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The name cannot stand in an address.
    #[error(
        "`{0}` is no name for a provider: 1 to 40 lower-case letters, digits and `-`, and neither `token` nor `providers`"
    )]
    Name(String),
    /// It is not known by which name the provider knows this program.
    #[error(
        "[auth.{0}] needs a `client_id`, and at GitHub a `client_secret`: the provider gives them when you register this program there"
    )]
    Client(String),
    /// It would be asked in the clear.
    #[error("[auth.{0}]: `{1}` must be an https address without a query; http is for this machine only")]
    Address(String, &'static str),
    /// It is no directory.
    #[error("[auth.{0}]: `tenant` is a directory's id or name, or `common`, `organizations` or `consumers`")]
    Tenant(String),
    /// It is neither an address nor a domain.
    #[error("auth.allow: `{0}` is neither an e-mail address nor a domain such as @example.org")]
    Allowed(String),
    /// An owner is made by another owner.
    #[error("auth.default_role cannot be `owner`: an owner is invited, or made by another owner")]
    DefaultRole,
    /// No client could be made.
    #[error("[auth.{0}]: {1}")]
    Outside(String, String),
}

/// Who may join without an invitation: people with these addresses, or with any address of these domains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    emails: Vec<Email>,
    domains: Vec<String>,
    role: Option<Role>,
}

impl Admission {
    /// Reads `ada@example.org` and `@example.org`; whoever is on the list joins with this role.
    ///
    /// # Errors
    /// [`SettingsError::Allowed`], [`SettingsError::DefaultRole`]
    pub fn new(allowed: &[String], role: Role) -> Result<Self, SettingsError> {
        if role == Role::Owner {
            return Err(SettingsError::DefaultRole);
        }
        let mut admission = Self { role: Some(role), ..Self::default() };
        for text in allowed {
            let wrong = |_| SettingsError::Allowed(text.chars().take(100).collect());
            match text.trim().strip_prefix('@') {
                // Read as an address, so that it is compared as one.
                Some(domain) => {
                    let email: Email = format!("x@{domain}").parse().map_err(wrong)?;
                    admission.domains.push(domain_of(&email).to_owned());
                }
                None => admission.emails.push(text.parse().map_err(wrong)?),
            }
        }
        Ok(admission)
    }

    /// As what somebody with this verified address joins, if they are on the list.
    pub(crate) fn role(&self, email: &Email) -> Option<Role> {
        let listed =
            self.emails.contains(email) || self.domains.iter().any(|domain| domain == domain_of(email));
        self.role.filter(|_| listed)
    }
}

fn domain_of(email: &Email) -> &str {
    email.as_str().split_once('@').map_or("", |(_, domain)| domain)
}

impl ProviderSettings {
    /// Refuses what cannot work, before anybody is sent there.
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        let name = &self.name;
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        if !(1..=40).contains(&name.len()) || !name.bytes().all(plain) || RESERVED.contains(&name.as_str()) {
            return Err(SettingsError::Name(name.chars().take(40).collect()));
        }
        let github = matches!(self.kind, ProviderKind::GitHub { .. });
        if self.client_id.trim().is_empty() || github && self.client_secret.is_none() {
            return Err(SettingsError::Client(name.clone()));
        }
        let addresses: Vec<(&'static str, &Url)> = match &self.kind {
            ProviderKind::GitHub { base_url, api_url } => base_url
                .iter()
                .map(|url| ("base_url", url))
                .chain(api_url.iter().map(|url| ("api_url", url)))
                .collect(),
            ProviderKind::Google { issuer } => issuer.iter().map(|url| ("issuer", url)).collect(),
            ProviderKind::Microsoft { base_url, .. } => {
                base_url.iter().map(|url| ("base_url", url)).collect()
            }
            ProviderKind::Issuer(issuer) => vec![("issuer", issuer)],
        };
        for (key, url) in addresses {
            if !outside::is_safe(url, outside::is_near(url))
                || url.query().is_some()
                || url.fragment().is_some()
            {
                return Err(SettingsError::Address(name.clone(), key));
            }
        }
        match &self.kind {
            ProviderKind::Microsoft { tenant, .. }
                if tenant.is_empty()
                    || !tenant.bytes().all(|c| plain(c.to_ascii_lowercase()) || c == b'.') =>
            {
                Err(SettingsError::Tenant(name.clone()))
            }
            _ => Ok(()),
        }
    }

    /// Where it is asked, without a slash at the end. The issuer's name is this text, to the byte.
    pub(crate) fn base(&self) -> String {
        let given =
            |url: &Option<Url>, usual: &str| url.as_ref().map_or_else(|| usual.to_owned(), Url::to_string);
        let text = match &self.kind {
            ProviderKind::GitHub { base_url, .. } => given(base_url, github::BASE),
            ProviderKind::Google { issuer } => given(issuer, GOOGLE),
            ProviderKind::Microsoft { tenant, base_url } => {
                format!("{}/{tenant}/v2.0", given(base_url, MICROSOFT).trim_end_matches('/'))
            }
            ProviderKind::Issuer(issuer) => issuer.to_string(),
        };
        text.trim_end_matches('/').to_owned()
    }
}
