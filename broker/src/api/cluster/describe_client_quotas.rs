//! DescribeClientQuotas (48): the quotas that a filter asks for (KIP-546).

use std::collections::BTreeMap;
use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::metadata::client_quotas::{
    CLIENT_ID, ClientQuotas, IP, QuotaEntity, QuotaFilter, QuotaMatch, QuotaValue, USER,
};
use kafka_protocol::messages::describe_client_quotas_request::ComponentData;
use kafka_protocol::messages::describe_client_quotas_response::{EntityData, EntryData, ValueData};
use kafka_protocol::messages::{DescribeClientQuotasRequest, DescribeClientQuotasResponse};

use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::metadata::Metadata;

/// Numbers of how a component matches.
const EXACT: i8 = 0;
const DEFAULT: i8 = 1;
const SPECIFIED: i8 = 2;

/// Answers from the controller's state.
pub async fn handle(
    _: &Call,
    request: DescribeClientQuotasRequest,
    metadata: &Arc<Metadata>,
) -> DescribeClientQuotasResponse {
    match filter(&request) {
        Ok(filter) => {
            let found = metadata.query(|m| m.describe_client_quotas(&filter));
            DescribeClientQuotasResponse::default().with_entries(Some(entries(found)))
        }
        Err((error, message)) => DescribeClientQuotasResponse::default()
            .with_error_code(error.code())
            .with_error_message(Some(convert::text(&message)))
            .with_entries(None),
    }
}

/// Kafka: ClientQuotasImage.describe.
fn filter(request: &DescribeClientQuotasRequest) -> Result<QuotaFilter, (ErrorCode, String)> {
    let invalid = |message: String| (ErrorCode::InvalidRequest, message);
    let mut filter = QuotaFilter { strict: request.strict, ..QuotaFilter::default() };
    for component in &request.components {
        let kind = component.entity_type.as_str();
        if kind.is_empty() {
            return Err(invalid("Invalid empty entity type.".to_owned()));
        }
        if filter.components.contains_key(kind) {
            return Err(invalid(format!("Entity type {kind} cannot appear more than once in the filter.")));
        }
        if ![USER, CLIENT_ID, IP].contains(&kind) {
            return Err((ErrorCode::UnsupportedVersion, format!("Unsupported entity type {kind}")));
        }
        filter.components.insert(kind.to_owned(), wanted(component).map_err(invalid)?);
    }
    if filter.components.contains_key(IP) && filter.components.len() > 1 {
        let message = "Invalid entity filter component combination. IP filter component should not be used with user or clientId \
                       filter component.";
        return Err(invalid(message.to_owned()));
    }
    Ok(filter)
}

fn wanted(component: &ComponentData) -> Result<QuotaMatch, String> {
    let also = |kind: &str| Err(format!("Request specified MATCH_TYPE_{kind}, but also specified a match string."));
    match (component.match_type, &component._match) {
        (EXACT, None) => Err("Request specified MATCH_TYPE_EXACT, but set match string to null.".to_owned()),
        (EXACT, Some(name)) => Ok(QuotaMatch::Exactly(Some(name.to_string()))),
        (DEFAULT, None) => Ok(QuotaMatch::Exactly(None)),
        (DEFAULT, Some(_)) => also("DEFAULT"),
        (SPECIFIED, None) => Ok(QuotaMatch::Specified),
        (SPECIFIED, Some(_)) => also("SPECIFIED"),
        (other, _) => Err(format!("Unknown match type {other}")),
    }
}

fn entries(quotas: ClientQuotas) -> Vec<EntryData> {
    quotas.into_iter().map(|(of, values)| entry(of, values)).collect()
}

fn entry(of: QuotaEntity, values: BTreeMap<String, QuotaValue>) -> EntryData {
    let entity = |(kind, name): (String, Option<String>)| {
        EntityData::default()
            .with_entity_type(convert::text(&kind))
            .with_entity_name(name.as_deref().map(convert::text))
    };
    let value =
        |(key, value): (String, QuotaValue)| ValueData::default().with_key(convert::text(&key)).with_value(value.0);
    EntryData::default()
        .with_entity(of.into_iter().map(entity).collect())
        .with_values(values.into_iter().map(value).collect())
}
