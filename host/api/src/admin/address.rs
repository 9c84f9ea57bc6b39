//! Registers as other programs address them: `{kind, key, environment?, field?}`, and as a path in a document.

use burgee_model::{Address, Key, RegisterId};
use serde::Serialize;

/// A register's public address within its tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Register {
    /// `flag`, `segment`, `environment`, `tenant` or `config`.
    pub kind: &'static str,
    /// The key of what it belongs to.
    pub key: String,
    /// The environment, where the register is one environment's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The field, where it is not the thing itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
}

impl Register {
    fn of(kind: &'static str, key: &Key) -> Self {
        Self { kind, key: key.to_string(), environment: None, field: None }
    }

    fn within(mut self, environment: &Key) -> Self {
        self.environment = Some(environment.to_string());
        self
    }

    fn field(mut self, field: Option<&'static str>) -> Self {
        self.field = field;
        self
    }

    /// The public address. Floors have none: what dies by them does.
    #[must_use]
    pub fn new(id: &RegisterId) -> Option<Self> {
        Some(match &id.address {
            Address::Tenant => Self::of("tenant", &id.tenant),
            Address::Environment { environment } => Self::of("environment", environment),
            Address::FlagSet { environment } => Self::of("environment", environment).field(Some("flagSet")),
            Address::Flag { flag, field } => Self::of("flag", flag).field(field.name()),
            Address::FlagIn { flag, environment, field } => {
                Self::of("flag", flag).within(environment).field(Some(field.name()))
            }
            Address::Segment { segment } => Self::of("segment", segment),
            Address::SegmentIn { segment, environment } => Self::of("segment", segment).within(environment),
            Address::Config { environment, key } => Self::of("config", key).within(environment),
            Address::Floor(_) | Address::Member { .. } | Address::Forgotten { .. } | Address::Horizon => return None,
        })
    }
}

/// Where a register's value stands in the document of its flag, e.g. `environments/prod/state`.
#[must_use]
pub fn document_path(address: &Address) -> Option<String> {
    match address {
        Address::Flag { field, .. } => Some(field.name().unwrap_or("exists").to_owned()),
        Address::FlagIn { environment, field, .. } => Some(format!("environments/{environment}/{}", field.name())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use burgee_model::{FlagField, FlagInField};

    use super::*;

    #[test]
    fn addresses_and_document_paths() {
        let [tenant, env, flag] = ["t", "prod", "a/b"].map(|text| Key::new(text).unwrap());
        let state = RegisterId::flag_in(&tenant, &flag, &env, FlagInField::State);
        let json = serde_json::to_value(Register::new(&state)).unwrap();
        assert_eq!(json, serde_json::json!({"kind":"flag","key":"a/b","environment":"prod","field":"state"}));
        assert_eq!(document_path(&state.address).as_deref(), Some("environments/prod/state"));
        let exists = RegisterId::flag(&tenant, &flag, FlagField::Exists);
        let json = serde_json::to_value(Register::new(&exists)).unwrap();
        assert_eq!(json, serde_json::json!({"kind":"flag","key":"a/b"}));
    }
}
