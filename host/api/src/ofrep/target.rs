//! What an OFREP path names: an environment, where it stands before the protocol's part, and a flag.

use std::borrow::Cow;

use burgee_model::Key;
use http::StatusCode;
use percent_encoding::percent_decode_str;

use super::failure::Failure;

const PATH: &str = "/ofrep/v1/evaluate/flags";

/// The tenant and environment that a path names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) tenant: Key,
    pub(super) environment: Key,
}

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    pub(super) place: Option<Place>,
    /// The flag, decoded; none asks for all.
    pub(super) key: Option<Cow<'a, str>>,
}

impl<'a> Target<'a> {
    /// Reads `[/e/TENANT/ENVIRONMENT]/ofrep/v1/evaluate/flags[/KEY]`. Clients encode the slashes of a key, or
    /// leave them as they are.
    pub(super) fn parse(path: &'a str) -> Result<Self, Failure> {
        let (place, rest) = match path.strip_prefix(PATH) {
            Some(rest) => (None, rest),
            None => place(path).ok_or_else(no_route)?,
        };
        let key = match rest.strip_prefix('/').unwrap_or(rest) {
            "" => None,
            raw => Some(decode(raw)?),
        };
        Ok(Self { place: place.map(Place::decode).transpose()?, key })
    }
}

type Raw<'a> = (&'a str, &'a str);

fn place(path: &str) -> Option<(Option<Raw<'_>>, &str)> {
    let (tenant, rest) = path.strip_prefix("/e/")?.split_once('/')?;
    let (environment, rest) = rest.split_at_checked(rest.find('/')?)?;
    Some((Some((tenant, environment)), rest.strip_prefix(PATH)?))
}

impl Place {
    fn decode((tenant, environment): Raw<'_>) -> Result<Self, Failure> {
        let key = |raw: &str| {
            let wrong =
                |error: burgee_model::KeyError| Failure::new(StatusCode::BAD_REQUEST, "GENERAL", error.to_string());
            decode(raw).and_then(|text| Key::new(&text).map_err(wrong))
        };
        Ok(Self { tenant: key(tenant)?, environment: key(environment)? })
    }
}

fn decode(raw: &str) -> Result<Cow<'_, str>, Failure> {
    let decoded = percent_decode_str(raw).decode_utf8();
    decoded.map_err(|_| Failure::new(StatusCode::BAD_REQUEST, "GENERAL", "the path is not UTF-8 once decoded"))
}

fn no_route() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "GENERAL", "there is no such path here")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str) -> (Option<(String, String)>, Option<String>) {
        let target = Target::parse(path).unwrap();
        let place = target.place.map(|place| (place.tenant.to_string(), place.environment.to_string()));
        (place, target.key.map(Cow::into_owned))
    }

    #[test]
    fn keys_with_slashes_raw_and_encoded() {
        let place = Some(("a/b".to_owned(), "dev".to_owned()));
        assert_eq!(names("/ofrep/v1/evaluate/flags"), (None, None));
        assert_eq!(names("/ofrep/v1/evaluate/flags/"), (None, None));
        assert_eq!(names("/ofrep/v1/evaluate/flags/we/ird%20key"), (None, Some("we/ird key".into())));
        assert_eq!(names("/ofrep/v1/evaluate/flags/we%2Fird%20key"), (None, Some("we/ird key".into())));
        assert_eq!(names("/e/a%2Fb/dev/ofrep/v1/evaluate/flags/"), (place.clone(), None));
        assert_eq!(names("/e/a%2Fb/dev/ofrep/v1/evaluate/flags/f"), (place, Some("f".into())));
    }

    #[test]
    fn what_cannot_be_decoded_is_refused() {
        assert!(Target::parse("/ofrep/v1/evaluate/flags/%ff").is_err());
        assert!(Target::parse("/e/%ff/dev/ofrep/v1/evaluate/flags").is_err());
        assert!(Target::parse("/e//dev/ofrep/v1/evaluate/flags").is_err());
        assert!(Target::parse("/e/t/dev/else").is_err());
    }
}
