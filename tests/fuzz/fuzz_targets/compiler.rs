//! Generated rules as a module: what is emitted validates, and answers what the interpreter does, one flag at a
//! time and all together.
#![no_main]

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use burgee_engine::{ConfigValue, Engine, EnvironmentSource};
use burgee_fuzz::{Draw, NOW, engines, environment};
use burgee_model::{Context, Limits, Value};
use burgee_rules::generators::{self, Language};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value as Json};

const RULES_MAX: usize = 3;
const CONTEXTS: usize = 3;

/// A generous and a tight allowance: where rules give up, both tiers must.
static ENGINES: LazyLock<[Option<[Arc<Engine>; 2]>; 2]> = LazyLock::new(|| {
    let tight = Limits { evaluation_steps: 40, evaluation_bytes: 8, ..Limits::default() };
    [Limits::default(), tight].map(|limits| engines(&limits))
});

struct Case {
    source: EnvironmentSource,
    config: Map<String, Json>,
    contexts: Vec<Json>,
}

fn draw(bytes: &[u8]) -> Option<Case> {
    let mut draw = Draw::new(bytes);
    let (rule, context) = (generators::targeting(Language::Burgee), generators::context());
    let contexts = (0..CONTEXTS).map(|_| draw.one(&context)).collect::<Option<_>>()?;
    let (config, segments) = (draw.one(&generators::config())?, draw.one(&generators::segments())?);
    let rules = (0..RULES_MAX).map(|_| draw.one(&rule)).collect::<Option<_>>()?;
    Some(Case { source: environment(rules, segments)?, config, contexts })
}

/// All answers by key, from one bulk evaluation and from single ones.
fn answers(engine: &Engine, case: &Case, contexts: &[Context]) -> Vec<[BTreeMap<String, Vec<u8>>; 2]> {
    let read = |key: &str| case.config.get(key).map(|value| ConfigValue { value: value.into(), expires_at: None });
    let snapshot = engine.build(None, case.source.clone(), &read);
    engine.quiesce();
    let of = |context: &Context| {
        let mut both = [BTreeMap::new(), BTreeMap::new()];
        snapshot.evaluate_all(context, NOW, |evaluation| {
            let single = snapshot.evaluate(evaluation.key, context, NOW);
            for (answers, evaluation) in both.iter_mut().zip([&evaluation, &single]) {
                let mut item = Vec::new();
                evaluation.write_ofrep(&mut item);
                answers.insert(evaluation.key.to_owned(), item);
            }
        });
        both
    };
    contexts.iter().map(of).collect()
}

fuzz_target!(|bytes: &[u8]| {
    let Some((allowance, bytes)) = bytes.split_first() else { return };
    let Some([compiling, interpreting]) = &ENGINES[usize::from(allowance % 4 == 0)] else { return };
    let Some(case) = draw(bytes) else { return };
    let context = |json: &Json| Context::new(Value::from(json), &Limits::default()).ok();
    let Some(contexts) = case.contexts.iter().map(context).collect::<Option<Vec<_>>>() else { return };
    let [fast, slow] = [compiling, interpreting].map(|engine| answers(engine, &case, &contexts));
    assert_eq!(fast, slow, "{:?}\n{:?}", case.source.flags, case.contexts);
});
