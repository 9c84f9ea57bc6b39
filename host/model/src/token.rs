//! Tokens: what is known of who may ask, their secrets aside.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Digest, Key, Stamp};

/// The id of a token, or of a key that the cluster signs with: 16 bytes that are never used again. Its text is 32
/// lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TokenId(pub [u8; 16]);

/// Why a text is no id of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the id of a token is 32 lower-case hex digits")]
pub struct TokenIdError;

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TokenId {
    type Err = TokenIdError;

    fn from_str(text: &str) -> Result<Self, TokenIdError> {
        let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if text.len() != 32 || !digits {
            return Err(TokenIdError);
        }
        u128::from_str_radix(text, 16).map(|id| Self(id.to_be_bytes())).map_err(|_| TokenIdError)
    }
}

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenKind {
    /// Applications that run where nobody else looks: evaluates all flags.
    Server,
    /// Applications that are handed out: evaluates the flags that are marked for clients.
    Client,
    /// People and programs that read.
    Viewer,
    /// Those that change what is not protected.
    Editor,
    /// Those that also change what is protected, kill, and look after the cluster.
    Operator,
    /// Those that also decide who may what.
    Admin,
}

impl TokenKind {
    /// All of them, the roles in ascending order.
    pub const ALL: [Self; 6] = [Self::Server, Self::Client, Self::Viewer, Self::Editor, Self::Operator, Self::Admin];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// How much a role may, more being more; 0 may nothing but evaluate.
    #[must_use]
    pub fn rank(self) -> u8 {
        match self {
            Self::Server | Self::Client => 0,
            Self::Viewer => 1,
            Self::Editor => 2,
            Self::Operator => 3,
            Self::Admin => 4,
        }
    }
}

/// What a token's register holds. Its deadline is the version's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenMeta {
    /// A name for people.
    pub name: String,
    /// What it is for.
    pub kind: TokenKind,
    /// The environments that it is bound to; empty binds it to none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<Key>,
    /// The newest deletion of each of them that had happened when it was made, where one had: a token is for the
    /// environment of its time, and not for another one that bears the name later.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deletions: BTreeMap<Key, Stamp>,
    /// What its text begins with, by which people recognise it.
    pub prefix: String,
    /// The SHA-256 of its text.
    pub sha256: Digest,
}

/// What the register of a key holds that the cluster signs sessions with. Its deadline is the version's.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKey {
    /// 32 random bytes.
    pub secret: Digest,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_text_and_back() {
        let id = TokenId(std::array::from_fn(|at| u8::try_from(at * 17).unwrap_or(0xff)));
        let text = id.to_string();
        assert_eq!(text.parse(), Ok(id));
        for bad in ["", &text[1..], &text.to_uppercase(), &format!("{text}0"), &text.replace('1', "g")] {
            assert_eq!(bad.parse::<TokenId>(), Err(TokenIdError), "{bad}");
        }
    }

    #[test]
    fn roles_ascend_and_names_are_what_json_has() {
        let ranks: Vec<u8> = TokenKind::ALL.into_iter().map(TokenKind::rank).collect();
        assert_eq!(ranks, [0, 0, 1, 2, 3, 4]);
        for kind in TokenKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
