//! Wire schemas of the requests about authentication, access control, delegation tokens, quotas and credentials.

use super::schemas;

schemas! {
    pub const SECURITY;

    SaslHandshake = 17, versions 0 to 1, never flexible {
        mechanism: string,
    }

    DescribeAcls = 29, versions 1 to 3, flexible 2 {
        resource_type_filter: i8,
        resource_name_filter nullable: string,
        pattern_type_filter: i8,
        principal_filter nullable: string,
        host_filter nullable: string,
        operation: i8,
        permission_type: i8,
    }

    CreateAcls = 30, versions 1 to 3, flexible 2 {
        creations: [
            resource_type: i8,
            resource_name: string,
            resource_pattern_type: i8,
            principal: string,
            host: string,
            operation: i8,
            permission_type: i8,
        ],
    }

    DeleteAcls = 31, versions 1 to 3, flexible 2 {
        filters: [
            resource_type_filter: i8,
            resource_name_filter nullable: string,
            pattern_type_filter: i8,
            principal_filter nullable: string,
            host_filter nullable: string,
            operation: i8,
            permission_type: i8,
        ],
    }

    SaslAuthenticate = 36, versions 0 to 2, flexible 2 {
        auth_bytes: bytes,
    }

    CreateDelegationToken = 38, versions 1 to 3, flexible 2 {
        owner_principal_type since 3 nullable: string,
        owner_principal_name since 3 nullable: string,
        renewers: [
            principal_type: string,
            principal_name: string,
        ],
        max_lifetime_ms: i64,
    }

    RenewDelegationToken = 39, versions 1 to 2, flexible 2 {
        hmac: bytes,
        renew_period_ms: i64,
    }

    ExpireDelegationToken = 40, versions 1 to 2, flexible 2 {
        hmac: bytes,
        expiry_time_period_ms: i64,
    }

    DescribeDelegationToken = 41, versions 1 to 3, flexible 2 {
        owners nullable: [
            principal_type: string,
            principal_name: string,
        ],
    }

    DescribeClientQuotas = 48, versions 0 to 1, flexible 1 {
        components: [
            entity_type: string,
            match_type: i8,
            _match nullable: string,
        ],
        strict: bool,
    }

    AlterClientQuotas = 49, versions 0 to 1, flexible 1 {
        entries: [
            entity: [
                entity_type: string,
                entity_name nullable: string,
            ],
            ops: [
                key: string,
                value: f64,
                remove: bool,
            ],
        ],
        validate_only: bool,
    }

    DescribeUserScramCredentials = 50, versions 0 to 0, flexible 0 {
        users nullable: [
            name: string,
        ],
    }

    AlterUserScramCredentials = 51, versions 0 to 0, flexible 0 {
        deletions: [
            name: string,
            mechanism: i8,
        ],
        upsertions: [
            name: string,
            mechanism: i8,
            iterations: i32,
            salt: bytes,
            salted_password: bytes,
        ],
    }
}
