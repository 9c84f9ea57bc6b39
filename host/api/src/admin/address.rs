//! Registers as other programs address them: `{kind, key, environment?, field?}`, and as a path in a document.

use burgee_model::{Address, FlagField, FlagInField, Key, RegisterId};
use serde::Serialize;

use super::{
    Refusal,
    members::{Member, Members, TEXT_BYTES_MAX},
};

/// The field of a config entry that is its rollout.
pub const ROLLOUT: &str = "rollout";

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
            Address::Rollout { environment, key } => Self::of("config", key).within(environment).field(Some(ROLLOUT)),
            Address::Guest { guest } => Self::of("guest", guest),
            Address::Floor(_)
            | Address::Module { .. }
            | Address::Member { .. }
            | Address::Forgotten { .. }
            | Address::Horizon
            | Address::Token { .. }
            | Address::SessionKey { .. }
            | Address::Answer { .. } => return None,
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
            let kind = inner.required("kind", TEXT_BYTES_MAX);
            let key = inner.key();
            let environment = match inner.text("environment", TEXT_BYTES_MAX) {
                Member::Value(text) => Some(Key::new(&text).map_err(|error| {
                    inner.fault(inner.path("environment"), "invalid_key", error.to_string());
                })),
                _ => None,
            };
            let field = inner.text("field", TEXT_BYTES_MAX).value();
            Some(Self { kind: kind?, key: key?, environment: environment.transpose().ok()?, field })
        };
        members.nested("register", "`{kind, key, environment?, field?}`", read).flatten()
    }

    /// The register of a tenant; where there can be none of that name, a refusal that tells the member at fault.
    pub fn id(&self, tenant: &Key) -> Result<RegisterId, Refusal> {
        let address = match self.kind.as_str() {
            "tenant" if self.key == *tenant => self.whole(Address::Tenant)?,
            "tenant" => return Err(wrong("key", format!("the tenant of this path is `{tenant}`"))),
            "environment" => self.of_environment()?,
            "flag" => self.of_flag()?,
            "segment" => self.of_segment()?,
            "guest" => self.whole(Address::Guest { guest: self.key.clone() })?,
            "config" => self.of_config()?,
            _ => return Err(wrong("kind", "`kind` is flag, segment, guest, environment, tenant or config")),
        };
        Ok(RegisterId::new(tenant, address))
    }

    /// The register of a thing that has one alone.
    fn whole(&self, address: Address) -> Result<Address, Refusal> {
        self.shared()?;
        self.without_field()?;
        Ok(address)
    }

    fn of_environment(&self) -> Result<Address, Refusal> {
        self.shared()?;
        let environment = self.key.clone();
        match self.field.as_deref() {
            None => Ok(Address::Environment { environment }),
            Some("flagSet") => Ok(Address::FlagSet { environment }),
            Some(_) => Err(wrong("field", "the one field of an environment is `flagSet`")),
        }
    }

    fn of_flag(&self) -> Result<Address, Refusal> {
        let (flag, name) = (self.key.clone(), self.field.as_deref());
        if let Some(environment) = self.environment.clone() {
            let field = name.and_then(flag_in_field).ok_or_else(|| {
                let names = FlagInField::ALL.map(FlagInField::name).join(", ");
                wrong("field", format!("the fields of a flag in an environment are {names}"))
            })?;
            return Ok(Address::FlagIn { flag, environment, field });
        }
        let field = flag_field(name).ok_or_else(|| match name.and_then(flag_in_field) {
            Some(field) => wrong("environment", format!("`{}` is a field of a flag in an environment", field.name())),
            None => {
                let names = FlagField::ALL.into_iter().filter_map(FlagField::name).collect::<Vec<_>>().join(", ");
                wrong("field", format!("the fields of a flag are {names}"))
            }
        })?;
        Ok(Address::Flag { flag, field })
    }

    fn of_segment(&self) -> Result<Address, Refusal> {
        self.without_field()?;
        let segment = self.key.clone();
        Ok(match self.environment.clone() {
            None => Address::Segment { segment },
            Some(environment) => Address::SegmentIn { segment, environment },
        })
    }

    fn of_config(&self) -> Result<Address, Refusal> {
        let environment = self.environment.clone();
        let environment = environment.ok_or_else(|| wrong("environment", "a config entry is one environment's"))?;
        let key = self.key.clone();
        match self.field.as_deref() {
            None => Ok(Address::Config { environment, key }),
            Some(ROLLOUT) => Ok(Address::Rollout { environment, key }),
            Some(_) => Err(wrong("field", "the one field of a config entry is `rollout`")),
        }
    }

    fn shared(&self) -> Result<(), Refusal> {
        let none = self.environment.is_none();
        let message = || format!("a register of kind `{}` belongs to no environment", self.kind);
        if none { Ok(()) } else { Err(wrong("environment", message())) }
    }

    fn without_field(&self) -> Result<(), Refusal> {
        let message = || format!("a register of kind `{}` has no fields", self.kind);
        if self.field.is_none() { Ok(()) } else { Err(wrong("field", message())) }
    }
}

fn wrong(member: &str, message: impl Into<String>) -> Refusal {
    Refusal::invalid(&format!("/register/{member}"), "no_such_register", message)
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

    /// The places of the faults of a request that names a register so.
    fn faults(register: &serde_json::Value) -> Vec<String> {
        let mut members = Members::root(json!({ "register": register })).unwrap();
        let named = Named::take(&mut members);
        let read = members.finish();
        let id = read.and_then(|()| named.unwrap().id(&Key::new("t").unwrap()));
        let Err(Refusal::Invalid(faults)) = id else { panic!("{register} is no register") };
        faults.into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn other_names_are_refused_with_the_member_at_fault() {
        for (register, at) in [
            (json!({"kind":"floor","key":"k"}), "kind"),
            (json!({"kind":null,"key":"k"}), "kind"),
            (json!({"key":"k"}), "kind"),
            (json!({"kind":1,"key":"k"}), "kind"),
            (json!({"kind":"tenant","key":"other"}), "key"),
            (json!({"kind":"tenant","key":"t","environment":"e"}), "environment"),
            (json!({"kind":"environment","key":"e","field":"x"}), "field"),
            (json!({"kind":"environment","key":"e","environment":"e"}), "environment"),
            (json!({"kind":"flag","key":""}), "key"),
            (json!({"kind":"flag"}), "key"),
            (json!({"kind":"flag","key":"k","x":1}), "x"),
            (json!({"kind":"flag","key":"k","field":"x"}), "field"),
            (json!({"kind":"flag","key":"k","field":1}), "field"),
            (json!({"kind":"flag","key":"k","field":"state"}), "environment"),
            (json!({"kind":"flag","key":"k","environment":".."}), "environment"),
            (json!({"kind":"flag","key":"k","environment":"e"}), "field"),
            (json!({"kind":"flag","key":"k","environment":"e","field":"name"}), "field"),
            (json!({"kind":"segment","key":"k","field":"rule"}), "field"),
            (json!({"kind":"config","key":"k"}), "environment"),
            (json!({"kind":"config","key":"k","environment":"e","field":"x"}), "field"),
        ] {
            assert_eq!(faults(&register), [format!("/register/{at}")], "{register}");
        }
        for register in [json!(1), json!(null), json!([])] {
            assert_eq!(faults(&register), ["/register"], "{register}");
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
