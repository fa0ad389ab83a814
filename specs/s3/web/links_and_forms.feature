Feature: Links and forms
  Browsers read by links that somebody signed, and write by forms.

  Background:
    Given a bucket "photos"
    And "cat.jpg" was put into the bucket "photos"

  Scenario: A link holds for its time, by the clock of its world
    Given a link to "cat.jpg" in the bucket "photos" for 1 hour
    When a browser follows the link
    Then the browser is answered 200
    When 59 minutes pass
    And a browser follows the link
    Then the browser is answered 200
    When 2 minutes pass
    And a browser follows the link
    Then the browser is answered 403, saying "Request has expired"

  Scenario: A form puts a file
    Given a form for "uploads/${filename}" in the bucket "photos" for 10 minutes
    When a browser sends the form with the file "dog.jpg" that says "woof"
    Then the browser is answered 204
    And "uploads/dog.jpg" in the bucket "photos" says "woof"

  Scenario: A form tells where the browser goes
    Given a form for "dog.jpg" in the bucket "photos" for 10 minutes with
      | success_action_redirect | http://localhost/done |
    When a browser sends the form with the file "dog.jpg" that says "woof"
    Then the browser is answered 303
    And the browser is sent to "http://localhost/done?bucket=photos&key=dog.jpg&etag=%22"

  Scenario: A form tells what is answered
    Given a form for "dog.jpg" in the bucket "photos" for 10 minutes with
      | success_action_status | 201 |
    When a browser sends the form with the file "dog.jpg" that says "woof"
    Then the browser is answered 201, saying "<PostResponse><Location>"

  Scenario: A form's fields must be what was signed
    Given a form for "dog.jpg" in the bucket "photos" for 10 minutes with
      | Content-Type | image/jpeg |
    When a browser sends the form with the file "dog.jpg" that says "woof", and with
      | Content-Type | text/html |
    Then the browser is answered 403, saying "Policy Condition failed: ["eq", "$Content-Type", "image/jpeg"]"
    And there is no "dog.jpg" in the bucket "photos"
    When a browser sends the form with the file "dog.jpg" that says "woof", and with
      | x-amz-meta-more | yes |
    Then the browser is answered 403, saying "Invalid according to Policy: Extra input fields: x-amz-meta-more"

  Scenario: A form bounds its file
    Given a form for "dog.jpg" in the bucket "photos" for 10 minutes with
      | content-length-range | 2-5 |
    When a browser sends the form with the file "dog.jpg" that says "woof woof"
    Then the browser is answered 400, saying "EntityTooLarge"
    When a browser sends the form with the file "dog.jpg" that says "w"
    Then the browser is answered 400, saying "EntityTooSmall"
    And there is no "dog.jpg" in the bucket "photos"
