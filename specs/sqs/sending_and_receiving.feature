Feature: Sending and receiving
  A queue keeps what is sent to it until somebody has received and deleted it.

  Background:
    Given a queue "orders"

  Scenario: A message arrives with its body and its checksum
    When I send "two apples" to the queue "orders"
    Then the answer carries the MD5 of "two apples"
    When I receive from the queue "orders"
    Then I get "two apples"

  Scenario: A message that was received is still there until it is deleted
    Given "two apples" was sent to the queue "orders"
    When I receive from the queue "orders"
    Then the queue "orders" holds 0 visible, 1 in flight and 0 delayed
    When I delete "two apples" from the queue "orders"
    Then the queue "orders" holds 0 visible, 0 in flight and 0 delayed

  Scenario: An empty queue answers at once
    When I receive from the queue "orders"
    Then I get nothing

  Scenario: Ten messages at most come at once
    When I send 10 messages to the queue "orders" in one batch
    And I send "the eleventh" to the queue "orders"
    And I receive from the queue "orders" 10 at most
    Then I get 10 messages
    When I receive from the queue "orders" 11 at most
    Then the call fails with "InvalidParameterValue", saying
      """
      Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.
      """

  Scenario: A message carries typed attributes
    When I send "a parcel" to the queue "orders" with the attributes
      | name   | type         | value  |
      | city   | String       | Lisbon |
      | weight | Number.grams | 1200   |
      | stamp  | Binary       | abc    |
    And I receive from the queue "orders"
    Then the message carries the attributes
      | name   | type         | value  |
      | city   | String       | Lisbon |
      | weight | Number.grams | 1200   |
      | stamp  | Binary       | abc    |

  Scenario: The attributes have a checksum of their own
    When I send "a parcel" to the queue "orders" with the attributes
      | name | type   | value  |
      | city | String | Lisbon |
    Then the answer carries the MD5 "b383526b99e527345872913cf595140a" of the attributes

  Scenario: Only the attributes that are asked for come along
    When I send "a parcel" to the queue "orders" with the attributes
      | name | type   | value  |
      | city | String | Lisbon |
      | zip  | String | 1000   |
    And I receive from the queue "orders", asking only for the attribute "zip"
    Then the message carries the attributes
      | name | type   | value |
      | zip  | String | 1000  |

  Scenario: An attribute without a value is refused
    When I send "a parcel" to the queue "orders" with the attributes
      | name | type   | value |
      | city | String |       |
    Then the call fails with "InvalidParameterValue", saying
      """
      Message (user) attribute 'city' must contain a non-empty value of type 'String'.
      """

  Scenario: A message tells when it was sent and how often it was received
    Given "two apples" was sent to the queue "orders"
    And 10 seconds have passed
    When I receive from the queue "orders"
    Then the message tells
      | SentTimestamp                    | 1767225600000 |
      | ApproximateFirstReceiveTimestamp | 1767225610000 |
      | ApproximateReceiveCount          | 1             |

  Scenario: A message needs a body
    When I send "" to the queue "orders"
    Then the call fails with "MissingParameter", saying
      """
      The request must contain the parameter MessageBody.
      """

  Scenario: A message has a mebibyte at most
    When I send 1048576 bytes to the queue "orders"
    Then the call succeeds
    When I send 1048577 bytes to the queue "orders"
    Then the call fails with "InvalidParameterValue", saying
      """
      One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.
      """

  Scenario: A receipt that is none is refused
    When I delete with the receipt "nonsense" from the queue "orders"
    Then the call fails with "ReceiptHandleIsInvalid", saying
      """
      The input receipt handle "nonsense" is not a valid receipt handle.
      """
