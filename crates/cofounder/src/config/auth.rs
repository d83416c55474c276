//! `[auth]` and `[auth.NAME]`: where people sign in beside here, and who may join by that.

use cofounder_auth::{Admission, Deadlines, ProviderKind, ProviderSettings, Role};
use cofounder_providers::Secret;
use serde::{Deserialize, Deserializer, de};
use std::{fmt, net::SocketAddr, time::Duration};
use url::Url;

use crate::failure::Failure;

/// `[auth]`
#[derive(Debug)]
pub(crate) struct AuthSection {
    /// Who may join without an invitation: addresses, and domains such as `@example.org`.
    allow: Vec<String>,
    /// As what.
    default_role: Role,
    /// `[auth.NAME]`, in the file's order.
    providers: Vec<(String, ProviderSection)>,
}

/// `[auth.NAME]`: a provider. `github`, `google` and `microsoft` are known by their names; any other is an issuer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderSection {
    /// By which name it knows this program.
    client_id: String,
    /// How this program shows that it is that; absent for a public client of an issuer.
    #[serde(default)]
    client_secret: Option<Secret>,
    /// What it is, if its name does not say so.
    #[serde(default)]
    kind: Option<Kind>,
    /// The issuer's address, to which its discovery document belongs.
    #[serde(default)]
    issuer: Option<Url>,
    /// Microsoft's directory.
    #[serde(default)]
    tenant: Option<String>,
    /// Where GitHub or Microsoft is.
    #[serde(default)]
    base_url: Option<Url>,
    /// Where GitHub's API is.
    #[serde(default)]
    api_url: Option<Url>,
    #[serde(default)]
    timeouts: Timeouts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Github,
    Google,
    Microsoft,
    Issuer,
}

/// How long a provider may take.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Timeouts {
    /// To be connected to.
    connect_ms: u64,
    /// To answer a request, in all.
    total_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        let Deadlines { connect, total } = Deadlines::default();
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self { connect_ms: millis(connect), total_ms: millis(total) }
    }
}

impl Default for AuthSection {
    fn default() -> Self {
        Self { allow: Vec::new(), default_role: Role::Viewer, providers: Vec::new() }
    }
}

impl AuthSection {
    /// Who may join.
    pub(crate) fn admission(&self) -> Result<Admission, Failure> {
        Admission::new(&self.allow, self.default_role).map_err(Failure::usage)
    }

    /// The providers, with their secrets from where they are kept.
    pub(crate) fn providers(&self) -> Result<Vec<ProviderSettings>, Failure> {
        self.providers.iter().map(|(name, section)| section.settings(name)).collect()
    }

    /// The providers' names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.providers.iter().map(|(name, _)| name.as_str())
    }

    /// This site's address as browsers see it, to which providers send them back. Where none is configured it is the
    /// address that is listened on, if that is on this machine, or nobody is sent anywhere.
    pub(crate) fn site(&self, public: Option<&Url>, bound: SocketAddr) -> Result<Url, Failure> {
        let own = || {
            format!("http://{bound}")
                .parse()
                .ok()
                .filter(|_| bound.ip().is_loopback() || self.providers.is_empty())
        };
        let site = public.cloned().or_else(own);
        site.ok_or_else(|| {
            Failure::usage(
                "people sign in at a provider ([auth.NAME]), which has to know where to send them back: set server.public_url to this site's address as browsers see it",
            )
        })
    }
}

impl ProviderSection {
    fn settings(&self, name: &str) -> Result<ProviderSettings, Failure> {
        let client_secret = self.client_secret.as_ref().map(Secret::read).transpose();
        let client_secret = client_secret
            .map_err(|why| Failure::usage(format!("the client_secret of [auth.{name}]: {why}")))?;
        let Timeouts { connect_ms, total_ms } = self.timeouts;
        Ok(ProviderSettings {
            name: name.to_owned(),
            kind: self.kind(name)?,
            client_id: self.client_id.clone(),
            client_secret,
            deadlines: Deadlines {
                connect: Duration::from_millis(connect_ms.max(1)),
                total: Duration::from_millis(total_ms.max(1)),
            },
        })
    }

    fn kind(&self, name: &str) -> Result<ProviderKind, Failure> {
        let named = match name {
            "github" => Kind::Github,
            "google" => Kind::Google,
            "microsoft" => Kind::Microsoft,
            _ => Kind::Issuer,
        };
        let kind = self.kind.unwrap_or(named);
        let given = [
            ("issuer", self.issuer.is_some(), &[Kind::Issuer, Kind::Google][..]),
            ("tenant", self.tenant.is_some(), &[Kind::Microsoft]),
            ("base_url", self.base_url.is_some(), &[Kind::Github, Kind::Microsoft]),
            ("api_url", self.api_url.is_some(), &[Kind::Github]),
        ];
        if let Some((key, ..)) = given.iter().find(|(_, given, of)| *given && !of.contains(&kind)) {
            let words = format!(
                "[auth.{name}]: `{key}` belongs to another kind of provider than this one; set `kind` to github, google, microsoft or issuer, or leave `{key}` out"
            );
            return Err(Failure::usage(words));
        }
        let needs = |key: &str| Failure::usage(format!("[auth.{name}] needs `{key}`"));
        Ok(match kind {
            Kind::Github => {
                ProviderKind::GitHub { base_url: self.base_url.clone(), api_url: self.api_url.clone() }
            }
            Kind::Google => ProviderKind::Google { issuer: self.issuer.clone() },
            Kind::Microsoft => ProviderKind::Microsoft {
                tenant: self.tenant.clone().ok_or_else(|| needs("tenant"))?,
                base_url: self.base_url.clone(),
            },
            Kind::Issuer => ProviderKind::Issuer(self.issuer.clone().ok_or_else(|| needs("issuer"))?),
        })
    }
}

/// By hand, so that a table is a provider whatever its name, and everything else is a key that is known or not.
impl<'de> Deserialize<'de> for AuthSection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Visitor)
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = AuthSection;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`allow`, `default_role`, and tables of providers")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<AuthSection, A::Error> {
        let mut section = AuthSection::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "allow" => section.allow = map.next_value()?,
                "default_role" => section.default_role = map.next_value()?,
                _ => section.providers.push((key, map.next_value()?)),
            }
        }
        Ok(section)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<AuthSection, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    fn kind(text: &str) -> Result<ProviderKind, String> {
        let section = read(text)?;
        let settings = section.providers().map_err(|failure| failure.text().to_owned())?;
        Ok(settings.into_iter().next().unwrap().kind)
    }

    #[test]
    fn a_provider_is_known_by_its_name_or_says_what_it_is() {
        let github = kind("[github]\nclient_id = \"x\"").unwrap();
        assert_eq!(github, ProviderKind::GitHub { base_url: None, api_url: None });
        let enterprise =
            kind("[work]\nkind = \"github\"\nclient_id = \"x\"\nbase_url = \"https://git.example.org\"")
                .unwrap();
        assert!(matches!(enterprise, ProviderKind::GitHub { base_url: Some(_), .. }), "{enterprise:?}");
        assert_eq!(kind("[google]\nclient_id = \"x\"").unwrap(), ProviderKind::Google { issuer: None });
        let issuer = kind("[acme]\nclient_id = \"x\"\nissuer = \"https://id.example.org\"").unwrap();
        assert!(matches!(issuer, ProviderKind::Issuer(_)), "{issuer:?}");
        for (text, told) in [
            ("[acme]\nclient_id = \"x\"", "`issuer`"),
            ("[microsoft]\nclient_id = \"x\"", "`tenant`"),
            ("[google]\nclient_id = \"x\"\ntenant = \"common\"", "`tenant`"),
            (
                "[acme]\nclient_id = \"x\"\nissuer = \"https://id.example.org\"\napi_url = \"https://x\"",
                "`api_url`",
            ),
            (
                "[github]\nclient_id = \"x\"\nclient_secret = { env = \"NO_SUCH_VARIABLE\" }",
                "NO_SUCH_VARIABLE",
            ),
            ("[github]\nclient_id = \"x\"\nclient_secret = \"literal\"", "never as itself"),
            ("[github]\nclient = \"x\"", "`client`"),
            ("alow = [\"@example.org\"]", "alow"),
            ("default_role = \"king\"", "king"),
        ] {
            let error = kind(text).unwrap_err();
            assert!(error.contains(told) && !error.contains("literal\"}"), "{text}: {error}");
        }
    }

    /// Tried by taking the address that is listened on, whatever it is: the test failed.
    #[test]
    fn providers_send_browsers_back_to_the_address_that_is_configured() {
        let public = "https://example.org".parse::<Url>().unwrap();
        let section = read("[google]\nclient_id = \"x\"").unwrap();
        let near = "127.0.0.1:8000".parse().unwrap();
        assert_eq!(section.site(Some(&public), near).unwrap(), public);
        assert_eq!(section.site(None, near).unwrap().as_str(), "http://127.0.0.1:8000/");
        assert_eq!(section.site(None, "[::1]:8000".parse().unwrap()).unwrap().as_str(), "http://[::1]:8000/");
        let everywhere = "0.0.0.0:8000".parse().unwrap();
        assert!(AuthSection::default().site(None, everywhere).is_ok(), "nobody is sent anywhere");
        let failure = section.site(None, everywhere).unwrap_err();
        assert!(failure.text().contains("server.public_url"), "{}", failure.text());
    }
}
