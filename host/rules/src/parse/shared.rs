//! Shared rules (`$ref`, `segment`): one reading of each serves all flags of an environment that name it.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use burgee_model::{Key, Problem};
use serde_json::Value as Json;

use super::{
    Making, Setting,
    parser::Parser,
    patterns,
    references::{self, Asked},
};
use crate::ir::Expr;

/// A shared rule of an environment. It is read when a rule that names it is, and once: with the setting of the first
/// one. So it belongs to one environment, and another bucketing needs another one.
#[derive(Debug)]
pub struct SharedRule {
    document: Arc<Json>,
    /// As it stands by itself, and within a body, where `var` is an item's.
    readings: [OnceLock<Reading>; 2],
    asked: OnceLock<Box<[Asked]>>,
    patterns: OnceLock<Box<[String]>>,
}

/// What became of a shared rule. It knows of no flag: what it needs of one it reads when it is evaluated.
#[derive(Debug)]
pub(super) struct Reading {
    /// A constant, or shared.
    pub(super) expr: Expr,
    /// The most steps that it may take, apart from work that grows with data.
    pub(super) cost: u64,
    /// The patterns in it.
    pub(super) patterns: usize,
    /// The flags that it asks for, and where: one of them may be the one whose rule names it.
    pub(super) flags: Box<[(Key, String)]>,
    /// What is wrong with it; paths are its own.
    pub(super) faults: Box<[Problem]>,
    /// What compiles but cannot be meant.
    pub(super) warnings: Box<[Problem]>,
}

/// Finds shared rules by name, each made once, of what a function gives.
pub fn shared_rules(find: impl Fn(&str) -> Option<Json>) -> impl Fn(&str) -> Option<Arc<SharedRule>> {
    let known: RefCell<BTreeMap<String, Option<Arc<SharedRule>>>> = RefCell::default();
    move |name| {
        let mut known = known.borrow_mut();
        known.entry(name.to_owned()).or_insert_with(|| find(name).map(SharedRule::new)).clone()
    }
}

impl SharedRule {
    /// A shared rule that is not read yet.
    #[must_use]
    pub fn new(document: impl Into<Arc<Json>>) -> Arc<Self> {
        Arc::new(Self {
            document: document.into(),
            readings: Default::default(),
            asked: OnceLock::new(),
            patterns: OnceLock::new(),
        })
    }

    /// Its JSON.
    #[must_use]
    pub fn document(&self) -> &Json {
        &self.document
    }

    pub(super) fn reading(&self, in_body: bool, setting: &Setting<'_>, making: Making<'_>) -> &Reading {
        let [alone, body] = &self.readings;
        let held = if in_body { body } else { alone };
        held.get_or_init(|| Parser::of_shared(in_body, setting, making).shared(&self.document))
    }

    /// The patterns in it.
    pub fn patterns(&self) -> &[String] {
        self.patterns.get_or_init(|| patterns::own(&self.document).into_iter().collect())
    }

    /// What it asks for by name, each once.
    pub fn asked(&self) -> &[Asked] {
        self.asked.get_or_init(|| references::asked(&self.document).into())
    }
}
