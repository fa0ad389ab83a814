Feature: Federation
  Who is known elsewhere can be let in, for a while.

  Scenario: A web identity assumes a role
    When I assume the role "arn:aws:iam::111122223333:role/web" as "visitor" by a web identity of
      | iss | https://login.example |
      | sub | user-1234             |
      | aud | shop                  |
      | exp | in 300 seconds        |
    Then the credentials last 3600 seconds
    And the answer has
      | SubjectFromWebIdentityToken | user-1234                                                      |
      | Audience                    | shop                                                           |
      | Provider                    | arn:aws:iam::111122223333:oidc-provider/login.example          |
      | AssumedRoleUser.Arn         | arn:aws:sts::111122223333:assumed-role/web/visitor             |
    When I act with these credentials
    And I ask who I am
    Then I am "arn:aws:sts::111122223333:assumed-role/web/visitor" in the account "111122223333"

  Scenario: A web identity ends with its token
    When 300 seconds pass
    And I assume the role "arn:aws:iam::111122223333:role/web" as "visitor" by a web identity of
      | iss | https://login.example |
      | sub | user-1234             |
      | aud | shop                  |
      | exp | in 300 seconds        |
    Then the call fails with "ExpiredTokenException", saying
      """
      Token expired: current date/time 1767225900 must be before the expiration date/time 1767225900
      """

  Scenario: A token must be a JSON Web Token
    When I assume the role "arn:aws:iam::111122223333:role/web" as "visitor" by the token "opaque"
    Then the call fails with "InvalidIdentityToken", saying
      """
      The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)
      """

  Scenario: A SAML assertion assumes a role
    When I assume the role "arn:aws:iam::111122223333:role/staff" by a SAML assertion for "arn:aws:iam::111122223333:role/staff" as "carl"
    Then the answer has
      | Issuer              | https://login.example                              |
      | Subject             | _5f1c                                              |
      | SubjectType         | transient                                          |
      | Audience            | https://signin.aws.amazon.com/saml                 |
      | AssumedRoleUser.Arn | arn:aws:sts::111122223333:assumed-role/staff/carl |

  Scenario: A SAML assertion is good for its own roles only
    When I assume the role "arn:aws:iam::111122223333:role/admin" by a SAML assertion for "arn:aws:iam::111122223333:role/staff" as "carl"
    Then the HTTP status is 403
    And the call fails with "AccessDenied", saying
      """
      Not authorized to perform sts:AssumeRoleWithSAML
      """

  Scenario: A federated user is named by whoever lets it in
    When I ask for a federation token for "dora" with
      | DurationSeconds | 900 |
    Then the credentials last 900 seconds
    And the answer has
      | FederatedUser.Arn             | arn:aws:sts::000000000000:federated-user/dora |
      | FederatedUser.FederatedUserId | 000000000000:dora                             |
    When I act with these credentials
    And I ask who I am
    Then I am "arn:aws:sts::000000000000:federated-user/dora" in the account "000000000000"

  Scenario: A session token lasts twelve hours
    When I ask for a session token
    Then the credentials last 43200 seconds
    When I act with these credentials
    And 43199 seconds pass
    And I ask who I am
    Then I am "arn:aws:iam::000000000000:root" in the account "000000000000"
    When 1 second passes
    And I ask who I am
    Then the call fails with "ExpiredToken"

  Scenario: Sessions do not beget session tokens
    Given I have a session token
    And I act with these credentials
    When I ask for a session token
    Then the HTTP status is 403
    And the call fails with "AccessDenied", saying
      """
      Cannot call GetSessionToken with session credentials
      """

  Scenario: A session lasts fifteen minutes at least
    When I ask for a session token with
      | DurationSeconds | 899 |
    Then the call fails with "ValidationError", saying
      """
      1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900
      """
