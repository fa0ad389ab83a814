Feature: Assuming a role
  Credentials of a role let a caller act as that role, in the role's account, for a while.

  Scenario: Assuming a role gives temporary credentials
    When I assume the role "arn:aws:iam::111122223333:role/team/reader" as "anna"
    Then the credentials look like AWS's temporary ones
    And the credentials last 3600 seconds
    And the answer has
      | AssumedRoleUser.Arn | arn:aws:sts::111122223333:assumed-role/reader/anna |

  Scenario: Acting as the role
    Given I assumed the role "arn:aws:iam::111122223333:role/reader" as "anna"
    And I act with these credentials
    When I ask who I am
    Then I am "arn:aws:sts::111122223333:assumed-role/reader/anna" in the account "111122223333"
    And my user id begins with "AROA"
    And my user id ends with ":anna"
    When I create the queue "results"
    Then the account "111122223333" has the queue "results"

  Scenario: The credentials end when their time is over
    Given I assumed the role "arn:aws:iam::111122223333:role/reader" as "anna" with
      | DurationSeconds | 900 |
    And I act with these credentials
    When 899 seconds pass
    And I ask who I am
    Then the call succeeds
    When 1 second passes
    And I ask who I am
    Then the HTTP status is 403
    And the call fails with "ExpiredToken", saying
      """
      The security token included in the request is expired
      """

  Scenario: Nobody acts as the role without its secret
    Given I assumed the role "arn:aws:iam::111122223333:role/reader" as "anna"
    When I act with these credentials, but another secret
    And I ask who I am
    Then the HTTP status is 403
    And the call fails with "SignatureDoesNotMatch"

  Scenario Outline: Nobody acts as the role without its session token
    Given I assumed the role "arn:aws:iam::111122223333:role/reader" as "anna"
    When I act with these credentials, but <how>
    And I ask who I am
    Then the HTTP status is 403
    And the call fails with "InvalidClientTokenId", saying
      """
      The security token included in the request is invalid.
      """

    Examples:
      | how                       |
      | without the session token |
      | another session token     |

  Scenario: A role that assumes a role may do so for an hour
    Given I assumed the role "arn:aws:iam::111122223333:role/reader" as "anna"
    And I act with these credentials
    When I assume the role "arn:aws:iam::111122223333:role/writer" as "anna" with
      | DurationSeconds | 3601 |
    Then the call fails with "ValidationError", saying
      """
      The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining
      """
    When I assume the role "arn:aws:iam::111122223333:role/writer" as "anna"
    Then the answer has
      | AssumedRoleUser.Arn | arn:aws:sts::111122223333:assumed-role/writer/anna |

  Scenario: Transitive tags go along and cannot be changed
    Given I assumed the role "arn:aws:iam::111122223333:role/reader" as "anna" with
      | Tags              | [{"Key": "team", "Value": "red"}] |
      | TransitiveTagKeys | ["team"]                          |
    And I act with these credentials
    When I assume the role "arn:aws:iam::111122223333:role/writer" as "anna" with
      | Tags | [{"Key": "Team", "Value": "blue"}] |
    Then the call fails with "InvalidParameterValue", saying
      """
      One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.
      """

  Scenario: Tags differ in more than case
    When I assume the role "arn:aws:iam::111122223333:role/reader" as "anna" with
      | Tags | [{"Key": "team", "Value": "red"}, {"Key": "Team", "Value": "blue"}] |
    Then the call fails with "InvalidParameterValue", saying
      """
      Duplicate tag keys found. Please note that Tag keys are case insensitive.
      """

  Scenario: A source identity stays along the chain
    Given I assumed the role "arn:aws:iam::111122223333:role/reader" as "anna" with
      | SourceIdentity | anna@example |
    And I act with these credentials
    When I assume the role "arn:aws:iam::111122223333:role/writer" as "writer"
    Then the answer has
      | SourceIdentity | anna@example |
    When I assume the role "arn:aws:iam::111122223333:role/writer" as "writer" with
      | SourceIdentity | bob@example |
    Then the call fails with "AccessDenied"

  Scenario Outline: What is no role cannot be assumed
    When I assume the role "<arn>" as "anna"
    Then the call fails with "ValidationError", saying
      """
      <message>
      """

    Examples:
      | arn                                  | message                          |
      | nothing-valid-in-here                | nothing-valid-in-here is invalid |
      | arn:aws:iam::111122223333:user/anna  | Request ARN is invalid           |

  Scenario: A session's name has only certain characters
    When I assume the role "arn:aws:iam::111122223333:role/reader" as "anna b"
    Then the call fails with "ValidationError", saying
      """
      1 validation error detected: Value 'anna b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*
      """

  Scenario: A session policy must be one
    When I assume the role "arn:aws:iam::111122223333:role/reader" as "anna" with
      | Policy | {"Version": "2012-10-17" |
    Then the call fails with "MalformedPolicyDocument"
