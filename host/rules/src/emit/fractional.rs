//! `fractional`: constant shares are walked inline, computed ones by the host.

use burgee_guest::abi::{self, HostFunction};
use wasm_encoder::ValType;

use super::{
    code::{Constant, I32},
    expr::{Emitter, Use},
};
use crate::{
    ir::{Expr, Fractional, Share},
    ops::fractional,
};

/// A share that takes part: where its buckets end, and what it gives.
struct Range<'r> {
    end: u32,
    variant: &'r Expr,
}

impl<'r> Emitter<'_, 'r> {
    /// Leaves the operand of the choice.
    pub(super) fn fractional(&mut self, Fractional { bucket_by, shares }: &'r Fractional, used: Use) {
        match ranges(shares) {
            Some(ranges) => self.walk(bucket_by.as_deref(), &ranges, used),
            None => self.choose_by_host(bucket_by.as_deref(), shares),
        }
    }

    fn bucket_by(&mut self, bucket_by: Option<&'r Expr>) {
        match bucket_by {
            Some(expr) => self.value(expr, Use::Operand),
            // Null means the same as no such argument.
            None => self.code.i32(abi::NULL),
        }
    }

    /// Asks for the bucket and gives the variant of the first range that it lies in.
    fn walk(&mut self, bucket_by: Option<&'r Expr>, ranges: &[Range<'r>], used: Use) {
        self.code.flag_number();
        self.bucket_by(bucket_by);
        let total = ranges.last().map_or(0, |range| range.end);
        self.code.constant(Constant::I32(total.cast_signed()));
        self.code.host(HostFunction::Bucket);
        let Some((last, others)) = ranges.split_last() else {
            self.code.op().drop();
            return self.code.i32(abi::NULL);
        };
        let bucket = self.code.local(ValType::I32);
        self.code.set(bucket);
        self.code.op().block(I32);
        self.code.i32(abi::NULL);
        self.code.get(bucket);
        self.code.i32(0);
        self.leave_below();
        for range in others {
            self.value(range.variant, used);
            self.code.get(bucket);
            self.code.constant(Constant::I32(range.end.cast_signed()));
            self.leave_below();
        }
        self.value(last.variant, used);
        self.code.op().end();
    }

    /// Leaves the block with what is on the stack where the bucket is below an end, both on top; else drops it.
    fn leave_below(&mut self) {
        self.code.op().i32_lt_s().br_if(0).drop();
    }

    fn choose_by_host(&mut self, bucket_by: Option<&'r Expr>, shares: &'r [Share]) {
        self.bucket_by(bucket_by);
        self.code.host(HostFunction::Push);
        for share in shares {
            self.push(&share.variant);
            self.push(&share.weight);
        }
        self.code.flag_number();
        self.code.i32(i32::try_from(shares.len()).unwrap_or(i32::MAX));
        self.code.host(HostFunction::Fractional);
    }
}

/// The shares that have any bucket; none at all where the choice is always null. `None` where a share is computed.
fn ranges(shares: &[Share]) -> Option<Vec<Range<'_>>> {
    let mut sum = Some(0);
    let mut ranges = Vec::new();
    for share in shares {
        let (Expr::Literal(variant), Expr::Literal(weight)) = (&share.variant, &share.weight) else { return None };
        let weight = fractional::weight(weight).filter(|_| fractional::is_variant(variant));
        sum = sum.zip(weight).and_then(|(sum, weight)| fractional::add(sum, weight));
        if let (Some(end), Some(1..)) = (sum, weight) {
            ranges.push(Range { end, variant: &share.variant });
        }
    }
    Some(if sum.is_some() { ranges } else { Vec::new() })
}
