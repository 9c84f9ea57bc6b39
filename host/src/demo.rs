//! The demo data of `burgee dev`: a small shop in three environments.

use burgee_model::{Blob, EnvironmentMeta, FlagField, Format, Key, Limits, RegisterId, TenantMeta, import::Write};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::import::Source;

const TEXT: &str = include_str!("demo.json");

#[derive(Deserialize)]
struct Demo {
    tenant: Key,
    name: String,
    environments: Vec<Environment>,
    segments: Map<String, Json>,
    flags: Vec<Flag>,
}

#[derive(Deserialize)]
struct Environment {
    key: Key,
    #[serde(flatten)]
    meta: EnvironmentMeta,
}

#[derive(Deserialize)]
struct Flag {
    key: Key,
    name: String,
    description: String,
    tags: Vec<String>,
    variants: Map<String, Json>,
    environments: Map<String, Json>,
}

/// The demo data cannot be read: a fault in this build.
#[derive(Debug, thiserror::Error)]
#[error("the demo data cannot be read: {0}")]
pub struct DemoError(String);

/// The demo data, one source an environment, in the order in which they are loaded.
pub fn sources() -> Result<Vec<Source>, DemoError> {
    let failed = |error: &dyn std::fmt::Display| DemoError(error.to_string());
    let demo: Demo = serde_json::from_str(TEXT).map_err(|e| failed(&e))?;
    demo.environments.iter().map(|environment| demo.source(environment).map_err(|e| failed(&e))).collect()
}

impl Demo {
    fn source(&self, environment: &Environment) -> Result<Source, burgee_model::flagd::DocumentError> {
        let flags: Map<String, Json> = self
            .flags
            .iter()
            .filter_map(|flag| Some((flag.key.to_string(), flag.document(&environment.key)?)))
            .collect();
        let document = json!({ "flags": flags, "$evaluators": self.segments });
        let mut source = Source::parse(
            (&self.tenant, &environment.key),
            document.to_string().as_bytes(),
            Format::Json,
            &Limits::default(),
        )?;
        source.tenant_meta = TenantMeta { name: Some(self.name.clone()) };
        source.environment_meta = environment.meta.clone();
        source.more = self.flags.iter().flat_map(|flag| flag.about(&self.tenant)).collect();
        Ok(source)
    }
}

impl Flag {
    fn document(&self, environment: &Key) -> Option<Json> {
        let mut members = self.environments.get(environment.as_str())?.as_object()?.clone();
        members.insert("variants".into(), Json::Object(self.variants.clone()));
        Some(Json::Object(members))
    }

    fn about(&self, tenant: &Key) -> impl Iterator<Item = Write> + use<> {
        let fields = [
            (FlagField::Name, json!(self.name)),
            (FlagField::Description, json!(self.description)),
            (FlagField::Tags, json!(self.tags)),
        ];
        let (tenant, flag) = (tenant.clone(), self.key.clone());
        fields.into_iter().map(move |(field, value)| Write {
            register: RegisterId::flag(&tenant, &flag, field),
            value: Some(Blob::json(&value)),
        })
    }
}

#[cfg(test)]
mod tests {
    use burgee_model::Limits;
    use burgee_rules::parse::{Setting, rule, shared_rules};

    #[test]
    fn every_rule_of_the_demo_compiles() {
        let sources = super::sources().unwrap();
        assert_eq!(sources.len(), 3);
        for source in sources {
            let (evaluators, limits) = (&source.document.evaluators, Limits::default());
            let segments = shared_rules(|name| evaluators.get(name).cloned());
            for flag in &source.document.flags {
                let Some(targeting) = &flag.targeting else { continue };
                let compiled = rule(&flag.key, targeting, &Setting::new(&segments, &limits));
                let problems: Vec<_> = compiled.problems().collect();
                assert!(problems.is_empty(), "{}: {problems:?}", flag.key);
            }
        }
    }
}
