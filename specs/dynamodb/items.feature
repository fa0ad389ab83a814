Feature: Items
  Items are put, read, changed and deleted by their keys, on conditions where one wishes.

  Background:
    Given a table "orders" with the key "id"
    And "orders" has the items
      """
      {"id": "a", "n": 5, "tags": ["new"], "to": {"city": "Oslo"}}
      """

  Scenario: What is put is read
    When I put into "orders" {"id": "b", "price": 12345678901234567890123456789.123456789, "open": true, "note": null}
    And I get from "orders" {"id": "b"}
    Then I get the item {"id": "b", "price": 12345678901234567890123456789.123456789, "open": true, "note": null}

  Scenario: Putting replaces
    When I put into "orders" {"id": "a", "n": 6} with
      | ReturnValues | ALL_OLD |
    Then I am shown {"id": "a", "n": 5, "tags": ["new"], "to": {"city": "Oslo"}}
    When I get from "orders" {"id": "a"}
    Then I get the item {"id": "a", "n": 6}

  Scenario: Putting only what is not there
    When I put into "orders" {"id": "a"} with
      | ConditionExpression                 | attribute_not_exists(id) |
      | ReturnValuesOnConditionCheckFailure | ALL_OLD                  |
    Then the call fails with "ConditionalCheckFailedException", showing {"id": "a", "n": 5, "tags": ["new"], "to": {"city": "Oslo"}}

  Scenario: An update changes what it names
    When I update in "orders" {"id": "a"} with
      | UpdateExpression | SET n = n + :one, tags = list_append(tags, :more), #to.city = :city REMOVE gone |
      | #to              | to                                                                            |
      | :one             | 1                                                                             |
      | :more            | ["paid"]                                                                      |
      | :city            | "Bergen"                                                                      |
      | ReturnValues     | UPDATED_NEW                                                                   |
    Then I am shown {"n": 6, "tags": ["new", "paid"], "to": {"city": "Bergen"}}

  Scenario: An update makes an item that was not there
    When I update in "orders" {"id": "b"} with
      | UpdateExpression | ADD n :one |
      | :one             | 1          |
      | ReturnValues     | ALL_NEW    |
    Then I am shown {"id": "b", "n": 1}

  Scenario: An update on a condition that does not hold changes nothing
    When I update in "orders" {"id": "a"} with
      | UpdateExpression    | SET n = :n |
      | ConditionExpression | n > :limit |
      | :n                  | 0          |
      | :limit              | 5          |
    Then the call fails with "ConditionalCheckFailedException", saying
      """
      The conditional request failed
      """
    When I get from "orders" {"id": "a"}
    Then I get the item {"id": "a", "n": 5, "tags": ["new"], "to": {"city": "Oslo"}}

  Scenario: A deleted item is shown once more
    When I delete from "orders" {"id": "a"}
    Then I am shown {"id": "a", "n": 5, "tags": ["new"], "to": {"city": "Oslo"}}
    When I get from "orders" {"id": "a"}
    Then I get no item

  Scenario Outline: What is no item is refused in AWS's words
    When I put into "orders" as it goes over the wire <item>
    Then the call fails with "ValidationException", saying
      """
      <message>
      """

    Examples:
      | item                                     | message                                                                                                 |
      | {"n": {"N": "1"}}                        | One or more parameter values were invalid: Missing the key id in the item                               |
      | {"id": {"N": "1"}}                       | One or more parameter values were invalid: Type mismatch for key id expected: S actual: N               |
      | {"id": {"S": "b"}, "n": {"N": "five"}}   | The parameter cannot be converted to a numeric value: five                                              |
      | {"id": {"S": "b"}, "n": {}}              | Supplied AttributeValue is empty, must contain exactly one of the supported datatypes                   |
      | {"id": {"S": "b"}, "n": {"BS": []}}      | One or more parameter values were invalid: Binary sets should not be empty                              |
      | {"id": {"S": "b"}, "n": {"N": "1e126"}}  | Number overflow. Attempting to store a number with magnitude larger than supported range                |

  Scenario: A reserved word is no name
    When I update in "orders" {"id": "a"} with
      | UpdateExpression | SET status = :s |
      | :s               | "paid"          |
    Then the call fails with "ValidationException", saying
      """
      Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: status
      """

  Scenario: A placeholder has 255 bytes at most
    When I update in "orders" {"id": "a"} with a name that is 255 bytes long
    Then the call succeeds
    When I update in "orders" {"id": "a"} with a name that is 256 bytes long
    Then the call fails with "ValidationException", beginning "ExpressionAttributeNames contains invalid key: Key is too large"
