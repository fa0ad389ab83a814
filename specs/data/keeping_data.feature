Feature: Keeping data
  With a data folder, what was answered is there again after Virga stops, however it stops.

  Scenario: A stop keeps everything
    Given a Virga with a data folder
    And a queue "mail"
    When "hello" is sent to "mail"
    And Virga is stopped
    And Virga is started again on the same folder
    Then "mail" gives "hello"

  Scenario: A kill keeps everything that was answered
    Given a Virga with a data folder
    And a queue "mail"
    When "hello" is sent to "mail"
    And "later" is sent to "mail" with a delay of 60 seconds
    And Virga is killed
    And Virga is started again on the same folder
    And it is received from "mail" and deleted
    And a minute passes
    Then "mail" gives "later"

  Scenario: What was deleted stays deleted
    Given a Virga with a data folder
    And a queue "mail"
    When "hello" is sent to "mail"
    And it is received from "mail" and deleted
    And Virga is killed
    And Virga is started again on the same folder
    Then "mail" gives nothing

  Scenario: Work that was under way goes on
    Given a Virga with a data folder
    And a queue "letters" that gives up to "dead"
    When 20 messages are sent to "dead"
    And they are moved back to "letters" at 5 per second
    And Virga is killed
    And Virga is started again on the same folder
    And a minute passes
    Then "letters" holds 20 messages and "dead" none

  Scenario: A second Virga on the same folder is refused
    Given a Virga with a data folder
    When another Virga is started on the same folder
    Then it ends with exit code 2, saying "is using it"

  Scenario: Without a data folder nothing is kept
    Given a Virga without a data folder
    Then its status says that state is in memory
