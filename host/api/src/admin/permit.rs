//! What a caller may write, as far as that depends on what stands there: protected environments, kills, and what
//! environments share.

use burgee_model::{Address, FlagInField, Key, Millis, RegisterId, TokenKind};
use burgee_store::Table;

use super::{Kind, Preconditions, Refusal, environment, flag_in};

/// What a caller may write.
#[derive(Clone, Debug)]
pub struct Permit {
    /// Its role.
    pub role: TokenKind,
    /// The environments that it is bound to; empty is bound to none.
    pub environments: Box<[Key]>,
    /// Whether the request says what it was made from.
    pub stated: bool,
}

impl Permit {
    /// The same for a request with these conditions.
    #[must_use]
    pub fn stating(self, conditions: &Preconditions) -> Self {
        Self { stated: conditions.say_what_stood(), ..self }
    }

    fn is_at_least(&self, role: TokenKind) -> bool {
        self.role.rank() >= role.rank()
    }

    fn least(&self, role: TokenKind) -> Result<(), Refusal> {
        if self.is_at_least(role) { Ok(()) } else { Err(Refusal::Forbidden(needs(role))) }
    }

    /// What only operators may.
    pub fn operate(&self) -> Result<(), Refusal> {
        self.least(TokenKind::Operator)
    }

    /// What only admins may.
    pub fn administer(&self) -> Result<(), Refusal> {
        self.least(TokenKind::Admin)
    }

    /// A write of what is one environment's.
    pub fn environment(&self, table: &Table, now: Millis, tenant: &Key, environment: &Key) -> Result<(), Refusal> {
        self.reach(environment)?;
        if !is_protected(table, now, tenant, environment) {
            return Ok(());
        }
        self.protected()?;
        if self.stated { Ok(()) } else { Err(Refusal::PreconditionRequired(environment.clone())) }
    }

    /// A write in an environment that changes nothing that stood there: a new flag's settings, or a kill, which
    /// must work at once. Nothing can be stated of it.
    pub fn add_in(&self, table: &Table, now: Millis, tenant: &Key, environment: &Key) -> Result<(), Refusal> {
        self.reach(environment)?;
        if is_protected(table, now, tenant, environment) { self.protected() } else { Ok(()) }
    }

    /// A write of what environments share, as far as it concerns them: it counts as one of each that is protected.
    pub fn shared(
        &self,
        table: &Table,
        now: Millis,
        tenant: &Key,
        concerns: impl Fn(&Key) -> bool,
    ) -> Result<(), Refusal> {
        if !self.environments.is_empty() {
            return Err(Refusal::Forbidden("the token is bound to environments, and this is shared by all of them"));
        }
        let mut all = table.environments(tenant, now).filter(|(key, meta, _)| meta.protected && concerns(key));
        all.try_for_each(|(key, ..)| self.environment(table, now, tenant, key))
    }

    /// A write of what a flag is in all environments: concerns those where it was ever configured.
    pub fn flag(&self, table: &Table, now: Millis, tenant: &Key, flag: &Key) -> Result<(), Refusal> {
        let read = flag_in::flag(table, now, tenant, flag)?;
        self.shared(table, now, tenant, |environment| read.registers.environments.contains_key(environment))
    }

    /// A write of one register, whichever it is.
    pub fn register(&self, table: &Table, now: Millis, id: &RegisterId) -> Result<(), Refusal> {
        let tenant = &id.tenant;
        match &id.address {
            Address::Tenant => self.administer(),
            Address::Guest { .. } => self.operate(),
            Address::Flag { flag, .. } => self.flag(table, now, tenant, flag),
            Address::Segment { .. } => self.shared(table, now, tenant, |_| true),
            address => {
                let operators =
                    matches!(address, Address::Environment { .. } | Address::FlagIn { field: FlagInField::Kill, .. });
                if operators {
                    self.operate()?;
                }
                let environment =
                    address.environment().ok_or_else(|| Refusal::NotFound(Kind::Tenant, tenant.clone()))?;
                self.environment(table, now, tenant, environment)
            }
        }
    }

    fn reach(&self, environment: &Key) -> Result<(), Refusal> {
        let reached = self.environments.is_empty() || self.environments.contains(environment);
        if reached { Ok(()) } else { Err(Refusal::Forbidden("the token is not for this environment")) }
    }

    fn protected(&self) -> Result<(), Refusal> {
        let why = "the environment is protected: this needs a token of the kind operator, or more";
        if self.is_at_least(TokenKind::Operator) { Ok(()) } else { Err(Refusal::Forbidden(why)) }
    }
}

/// What is said to whoever has less than a role.
#[must_use]
pub fn needs(role: TokenKind) -> &'static str {
    match role {
        TokenKind::Viewer => "this needs a token of the kind viewer, or more",
        TokenKind::Editor => "this needs a token of the kind editor, or more",
        TokenKind::Operator => "this needs a token of the kind operator, or more",
        TokenKind::Admin => "this needs a token of the kind admin",
        TokenKind::Server | TokenKind::Client => "this needs a token",
    }
}

/// Whether an environment is protected; one that does not exist is not.
fn is_protected(table: &Table, now: Millis, tenant: &Key, environment: &Key) -> bool {
    environment::read(table, now, tenant, environment).is_ok_and(|found| found.meta.protected)
}
