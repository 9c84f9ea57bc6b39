//! Registers as other programs address them: `{kind, key, environment?, field?}`, and as a path in a document.

use burgee_model::{Address, FlagField, FlagInField, Key, RegisterId};
use serde::Serialize;

use super::{
    Refusal,
    members::{Member, Members, TEXT_BYTES_MAX},
};

/// A register's public address within its tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Register {
    /// `flag`, `segment`, `guest`, `environment`, `tenant` or `config`.
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

    /// The public address. Floors have none: what dies by them does. Modules have none: their guests do.
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
            Address::Guest { guest } => Self::of("guest", guest),
            Address::Floor(_)
            | Address::Module { .. }
            | Address::Member { .. }
            | Address::Forgotten { .. }
            | Address::Horizon => return None,
        })
    }
}

/// A register as a request names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    kind: String,
    key: Key,
    environment: Option<Key>,
    field: Option<String>,
}

impl Named {
    /// Takes the member `register` out of a request's document.
    pub fn take(members: &mut Members) -> Option<Self> {
        let read = |inner: &mut Members| {
            let kind = inner.text("kind", TEXT_BYTES_MAX);
            if !matches!(kind, Member::Value(_)) {
                inner.fault(inner.path("kind"), "missing", "`kind` is missing");
            }
            let key = inner.key();
            let environment = match inner.text("environment", TEXT_BYTES_MAX) {
                Member::Value(text) => Some(Key::new(&text).map_err(|error| {
                    inner.fault(inner.path("environment"), "invalid_key", error.to_string());
                })),
                _ => None,
            };
            let field = inner.text("field", TEXT_BYTES_MAX).value();
            Some(Self { kind: kind.value()?, key: key?, environment: environment.transpose().ok()?, field })
        };
        let named = members.nested("register", read);
        if named.is_none() {
            members.fault(members.path("register"), "missing", "`register` is `{kind, key, environment?, field?}`");
        }
        named.flatten()
    }

    /// The register of a tenant; a refusal where there can be none of that name.
    pub fn id(&self, tenant: &Key) -> Result<RegisterId, Refusal> {
        let (environment, field) = (self.environment.as_ref(), self.field.as_deref());
        let address = match (self.kind.as_str(), environment, field) {
            ("tenant", None, None) if self.key == *tenant => Some(Address::Tenant),
            ("environment", None, None) => Some(Address::Environment { environment: self.key.clone() }),
            ("environment", None, Some("flagSet")) => Some(Address::FlagSet { environment: self.key.clone() }),
            ("flag", None, name) => flag_field(name).map(|field| Address::Flag { flag: self.key.clone(), field }),
            ("flag", Some(environment), Some(name)) => flag_in_field(name).map(|field| Address::FlagIn {
                flag: self.key.clone(),
                environment: environment.clone(),
                field,
            }),
            ("segment", None, None) => Some(Address::Segment { segment: self.key.clone() }),
            ("segment", Some(environment), None) => {
                Some(Address::SegmentIn { segment: self.key.clone(), environment: environment.clone() })
            }
            ("guest", None, None) => Some(Address::Guest { guest: self.key.clone() }),
            ("config", Some(environment), None) => {
                Some(Address::Config { environment: environment.clone(), key: self.key.clone() })
            }
            _ => None,
        };
        let address = address.ok_or_else(|| {
            let message = "`kind`, `environment` and `field` together name no register of this tenant";
            Refusal::invalid("/register", "no_such_register", message)
        })?;
        Ok(RegisterId::new(tenant, address))
    }
}

fn flag_field(name: Option<&str>) -> Option<FlagField> {
    FlagField::ALL.into_iter().find(|field| field.name() == name)
}

fn flag_in_field(name: &str) -> Option<FlagInField> {
    FlagInField::ALL.into_iter().find(|field| field.name() == name)
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
    use burgee_model::Scope;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_shown_names_the_same_register() {
        let [t, e, k] = ["t", "prod", "a/b"].map(|text| Key::new(text).unwrap());
        let fields = FlagField::ALL.map(|field| RegisterId::flag(&t, &k, field));
        let fields_in = FlagInField::ALL.map(|field| RegisterId::flag_in(&t, &k, &e, field));
        let others = [
            Address::Tenant,
            Address::Environment { environment: e.clone() },
            Address::FlagSet { environment: e.clone() },
            Address::Segment { segment: k.clone() },
            Address::SegmentIn { segment: k.clone(), environment: e.clone() },
            Address::Guest { guest: k.clone() },
            Address::Config { environment: e, key: k },
        ];
        let others = others.map(|address| RegisterId::new(&t, address));
        for id in fields.iter().chain(&fields_in).chain(&others) {
            let mut members = Members::root(json!({ "register": Register::new(id) })).unwrap();
            assert_eq!(Named::take(&mut members).unwrap().id(&t).as_ref(), Ok(id));
            assert_eq!(members.finish(), Ok(()));
        }
        assert_eq!(Register::new(&RegisterId::floor(&t, Scope::Tenant)), None);
    }

    #[test]
    fn other_names_are_refused_with_their_place() {
        let refused = |register: serde_json::Value| {
            let mut members = Members::root(json!({ "register": register })).unwrap();
            let named = Named::take(&mut members);
            let read = members.finish();
            let id = named.map(|named| named.id(&Key::new("t").unwrap()));
            read.and_then(|()| id.unwrap().map(drop)).unwrap_err().to_string()
        };
        for register in [
            json!({"kind":"floor","key":"k"}),
            json!({"kind":"flag","key":"k","field":"state"}),
            json!({"kind":"flag","key":"k","environment":"e"}),
            json!({"kind":"config","key":"k"}),
            json!({"kind":"tenant","key":"other"}),
        ] {
            assert!(refused(register.clone()).contains("name no register"), "{register}");
        }
        for register in [
            json!({}),
            json!(1),
            json!({"kind":null,"key":"k"}),
            json!({"kind":"flag","key":""}),
            json!({"kind":"flag","key":"k","x":1}),
        ] {
            assert!(!refused(register.clone()).is_empty(), "{register}");
        }
    }

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
