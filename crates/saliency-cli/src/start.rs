//! The answer to `saliency` alone.

use saliency_program::output::say;

/// Commands that somebody who does not know the program can try, in this order.
const TRY: &str = "\
saliency shows where a model looked in a photo, and tests whether that is true.

Try, in this order:
  saliency explain                        a photo that is part of the program; pictures in maps/
  saliency explain photo.jpg --page       your photo, and a page for the browser
  saliency compare photo.jpg              several methods beside each other
  saliency audit                          24 photos made for a try; the page is audit/audit.html
  saliency audit FOLDER                   your folder: where does the model look in each photo?
  saliency evaluate FOLDER/*.jpg          which method is true of the model? Numbers with intervals
  saliency model shop.onnx                your own model: what it takes, and how its photos are prepared
  saliency explain photo.jpg --model shop.onnx --labels labels.txt
  saliency text, saliency table           models of texts and of tables
  saliency devices                        the devices of this machine

saliency COMMAND --help lists the options. The book: docs/program.md";

/// Prints what to try.
pub fn say_what_to_try() {
    say(TRY);
}
