Feature: Who am I?
  Every access key stands for somebody, and STS says for whom.

  Scenario: Any key that Virga never issued is the root user of the default account
    When I ask who I am
    Then I am "arn:aws:iam::000000000000:root" in the account "000000000000"
    And my user id is "000000000000"

  Scenario: A key of twelve digits is that account
    When I ask who I am with the access key "111122223333"
    Then I am "arn:aws:iam::111122223333:root" in the account "111122223333"

  Scenario: ARNs begin with the region's partition
    When I ask who I am in the region "cn-north-1"
    Then I am "arn:aws-cn:iam::000000000000:root" in the account "000000000000"

  Scenario: An access key that STS issued tells its account
    Given I assumed the role "arn:aws:iam::111122223333:role/reader" as "anna"
    When I ask whose access key that is
    Then the account is "111122223333"

  Scenario: An access key of AWS tells its account by itself
    When I ask whose access key "ASIAQNZGKIQY56JQ7WML" is
    Then the account is "029608264753"

  Scenario: An access key is sixteen characters at least
    When I ask whose access key "AKIA" is
    Then the call fails with "ValidationError", saying
      """
      1 validation error detected: Value 'AKIA' at 'accessKeyId' failed to satisfy constraint: Member must have length greater than or equal to 16
      """

  Scenario: A made-up authorization message is not decoded
    When I have the authorization message "nonsense" decoded
    Then the call fails with "InvalidAuthorizationMessageException"
